/* Gradient descent on a surface. The rules are those of dlbook.supervised_learning.optimizers. */
(function () {
  "use strict";

  var SURFACES = {
    valley: {
      title: "窄谷", box: [-4, 4, -3.2, 3.2], start: [-3.4, 2], lows: [[0, 0]],
      about: "y 方向的曲率是 x 方向的 25 倍（條件數 25）。學習率要遷就陡的那一邊，平的那一邊就走得慢。",
      f: function (x, y) { return 0.5 * (0.4 * x * x + 10 * y * y); },
      g: function (x, y) { return [0.4 * x, 10 * y]; },
    },
    banana: {
      title: "香蕉谷（Rosenbrock）", box: [-2, 2, -1.1, 3], start: [-1.6, 2.4], lows: [[1, 1]],
      about: "谷是彎的，谷底又很平：掉進谷裡容易，沿著谷底走到 (1, 1) 很難。",
      f: function (x, y) { return 0.1 * (1 - x) * (1 - x) + 5 * (y - x * x) * (y - x * x); },
      g: function (x, y) { return [-0.2 * (1 - x) - 20 * x * (y - x * x), 10 * (y - x * x)]; },
    },
    saddle: {
      title: "鞍點", box: [-3, 3, -3, 3], start: [-2.4, 0.02], lows: [[0, 2], [0, -2]],
      about: "正中間的梯度是零，卻不是谷底：往上、往下都還能再降。從 y = 0 附近出發，看誰先離開。",
      f: function (x, y) { return 0.5 * x * x - 0.5 * y * y + y * y * y * y / 16 + 1; },
      g: function (x, y) { return [x, -y + y * y * y / 4]; },
    },
    twin: {
      title: "兩個谷", box: [-3, 3, -2.4, 2.4], start: [2.4, 1.9], lows: [[-1.5053, 0]],
      about: "右邊的谷比較淺。走到哪一個，看起點，也看衝得多快。",
      f: function (x, y) { return 0.25 * (x * x - 2) * (x * x - 2) + 0.4 * x + y * y + 0.6; },
      g: function (x, y) { return [x * (x * x - 2) + 0.4, 2 * y]; },
    },
  };

  /* Each rule changes p, and keeps what it remembers in s. */
  var RULES = {
    SGD: { title: "SGD", rate: 0.15, step: function (p, g, lr) { return p.map(function (v, i) { return v - lr * g[i]; }); } },
    Momentum: {
      title: "動量", rate: 0.03,
      step: function (p, g, lr, s) {
        s.v = s.v ? s.v.map(function (v, i) { return 0.9 * v + g[i]; }) : g.slice();
        return p.map(function (value, i) { return value - lr * s.v[i]; });
      },
    },
    RMSProp: {
      title: "RMSProp", rate: 0.05,
      step: function (p, g, lr, s) {
        s.s = (s.s || [0, 0]).map(function (v, i) { return 0.9 * v + 0.1 * g[i] * g[i]; });
        return p.map(function (value, i) { return value - lr * g[i] / (Math.sqrt(s.s[i]) + 1e-8); });
      },
    },
    Adam: {
      title: "Adam", rate: 0.1,
      step: function (p, g, lr, s) {
        s.t = (s.t || 0) + 1;
        s.m = (s.m || [0, 0]).map(function (m, i) { return 0.9 * m + 0.1 * g[i]; });
        s.v = (s.v || [0, 0]).map(function (v, i) { return 0.999 * v + 0.001 * g[i] * g[i]; });
        return p.map(function (value, i) {
          var m = s.m[i] / (1 - Math.pow(0.9, s.t)), v = s.v[i] / (1 - Math.pow(0.999, s.t));
          return value - lr * m / (Math.sqrt(v) + 1e-8);
        });
      },
    },
  };
  var COLOURS = { SGD: ["#b4540a", "#f0a35e"], Momentum: ["#8d2a8b", "#e08ade"], RMSProp: ["#1b7a4b", "#62d09a"], Adam: ["#0b5f8a", "#7cc4ee"] };

  function walk(rule, surface, start, rate, steps) {
    var point = start.slice(), memory = {}, way = [point];
    for (var i = 0; i < steps; i++) {
      point = RULES[rule].step(point, SURFACES[surface].g(point[0], point[1]), rate, memory);
      way.push(point);
    }
    return way;
  }

  DLPlay.descent = { rules: RULES, surfaces: SURFACES, walk: walk };

  DLPlay.start("descent", function (section, find) {
    var canvas = find("canvas"), context = canvas.getContext("2d");
    var select = find("select"), body = find("tbody"), x = find("#descent-x"), y = find("#descent-y");
    var play = find('[data-do="play"]'), timer = 0, steps = 0, walkers = {}, picture = null, pictureFor = "";

    Object.keys(SURFACES).forEach(function (name) { select.add(new Option(SURFACES[name].title, name)); });
    Object.keys(RULES).forEach(function (name, i) {
      var row = body.insertRow(), id = "descent-" + name;
      row.innerHTML = '<td><label class="play-check"><input type="checkbox" checked><i class="play-dot"></i></label></td>' +
        '<td><span class="play-rate"><input type="range" min="-3" max="0.3" step="any"><output></output></span></td><td></td>';
      row.querySelector("label").append(RULES[name].title);
      var rate = row.querySelector('[type="range"]');
      rate.id = id;
      rate.setAttribute("aria-label", RULES[name].title + " 的學習率");
      rate.value = Math.log10(RULES[name].rate);
      walkers[name] = { row: row, rate: rate, on: row.querySelector('[type="checkbox"]') };
      if (i === 2) walkers[name].on.checked = false;
    });

    function surface() { return SURFACES[select.value]; }
    function rateOf(walker) { return Math.pow(10, Number(walker.rate.value)); }
    function ink(name) { return COLOURS[name][DLPlay.isDark() ? 1 : 0]; }

    function reset() {
      steps = 0;
      Object.keys(walkers).forEach(function (name) {
        walkers[name].memory = {};
        walkers[name].way = [[Number(x.value), Number(y.value)]];
      });
      draw();
    }

    function changeSurface() {
      var box = surface().box;
      x.min = box[0]; x.max = box[1]; y.min = box[2]; y.max = box[3];
      x.value = surface().start[0]; y.value = surface().start[1];
      find("[data-about]").textContent = surface().about;
      reset();
    }

    function step(count) {
      for (var i = 0; i < count; i++, steps++) {
        Object.keys(walkers).forEach(function (name) {
          var walker = walkers[name], last = walker.way[walker.way.length - 1];
          if (!walker.on.checked || !isFinite(last[0] + last[1])) return;
          walker.way.push(RULES[name].step(last, surface().g(last[0], last[1]), rateOf(walker), walker.memory));
        });
      }
      draw();
    }

    function toPixel(p) {
      var box = surface().box;
      return [(p[0] - box[0]) / (box[1] - box[0]) * canvas.width, (box[3] - p[1]) / (box[3] - box[2]) * canvas.height];
    }

    /* The surface in bands of equal log height. */
    function paint() {
      var key = select.value + DLPlay.isDark();
      if (pictureFor === key) return;
      pictureFor = key;
      picture = document.createElement("canvas");
      picture.width = canvas.width / 2; picture.height = canvas.height / 2;
      var pen = picture.getContext("2d"), image = pen.createImageData(picture.width, picture.height);
      var box = surface().box, low = surface().f(surface().lows[0][0], surface().lows[0][1]), dark = DLPlay.isDark();
      for (var j = 0, at = 0; j < picture.height; j++) {
        for (var i = 0; i < picture.width; i++, at += 4) {
          var f = surface().f(box[0] + (box[1] - box[0]) * i / picture.width, box[3] - (box[3] - box[2]) * j / picture.height);
          var level = Math.floor((Math.log10(Math.max(f - low, 0) + 0.01) + 2) * 4) / 16;
          var t = Math.max(0, Math.min(1, level));
          var a = dark ? [44, 78, 104] : [150, 186, 208], b = dark ? [22, 27, 31] : [250, 251, 252];
          for (var c = 0; c < 3; c++) image.data[at + c] = a[c] + (b[c] - a[c]) * t;
          image.data[at + 3] = 255;
        }
      }
      pen.putImageData(image, 0, 0);
    }

    function drawWay(name) {
      var way = walkers[name].way;
      context.strokeStyle = context.fillStyle = ink(name);
      context.lineWidth = 2.5;
      context.beginPath();
      way.forEach(function (p, i) { var q = toPixel(p); if (i) context.lineTo(q[0], q[1]); else context.moveTo(q[0], q[1]); });
      context.stroke();
      way.forEach(function (p, i) {
        var q = toPixel(p), last = i === way.length - 1;
        context.beginPath(); context.arc(q[0], q[1], last ? 7 : 3, 0, 7); context.fill();
      });
    }

    function draw() {
      paint();
      context.imageSmoothingEnabled = false;
      context.drawImage(picture, 0, 0, canvas.width, canvas.height);
      var from = toPixel([Number(x.value), Number(y.value)]);
      context.strokeStyle = DLPlay.colour("--color-foreground-primary");
      context.lineWidth = 2;
      context.beginPath();
      surface().lows.map(toPixel).forEach(function (low) {
        context.moveTo(low[0] - 9, low[1]); context.lineTo(low[0] + 9, low[1]);
        context.moveTo(low[0], low[1] - 9); context.lineTo(low[0], low[1] + 9);
      });
      context.stroke();
      context.strokeRect(from[0] - 7, from[1] - 7, 14, 14);
      find('[data-of="x"]').textContent = Number(x.value).toFixed(2);
      find('[data-of="y"]').textContent = Number(y.value).toFixed(2);
      var told = [];
      Object.keys(walkers).forEach(function (name) {
        var walker = walkers[name], last = walker.way[walker.way.length - 1], loss = surface().f(last[0], last[1]);
        var text = !isFinite(loss) || loss > 1e6 ? "飛出去了" : loss.toPrecision(3);
        walker.row.querySelector("i").style.background = ink(name);
        walker.row.querySelector("output").textContent = rateOf(walker).toPrecision(2);
        walker.rate.setAttribute("aria-valuetext", rateOf(walker).toPrecision(2));
        walker.row.cells[2].textContent = walker.on.checked ? text : "";
        if (!walker.on.checked) return;
        drawWay(name);
        told.push(RULES[name].title + " " + text);
      });
      find("[data-status]").textContent = "第 " + steps + " 步";
      canvas.setAttribute("aria-label", surface().title + "，第 " + steps + " 步的損失：" + told.join("、"));
    }

    function stop() { clearInterval(timer); timer = 0; play.setAttribute("aria-pressed", "false"); play.textContent = "播放"; }

    find('[data-do="step"]').addEventListener("click", function () { stop(); step(1); });
    find('[data-do="run"]').addEventListener("click", function () { stop(); step(50); });
    find('[data-do="reset"]').addEventListener("click", function () { stop(); reset(); });
    if (DLPlay.still()) play.hidden = true;
    play.addEventListener("click", function () {
      if (timer) return stop();
      play.setAttribute("aria-pressed", "true");
      play.textContent = "暫停";
      timer = setInterval(function () { if (steps >= 500) stop(); else step(1); }, 80);
    });
    select.addEventListener("change", function () { stop(); changeSurface(); });
    [x, y].forEach(function (slider) { slider.addEventListener("input", function () { stop(); reset(); }); });
    Object.keys(walkers).forEach(function (name) {
      walkers[name].rate.addEventListener("input", function () { var n = steps; reset(); step(n); });
      walkers[name].on.addEventListener("change", function () { var n = steps; reset(); step(n); });
    });
    canvas.addEventListener("click", function (event) {
      var frame = canvas.getBoundingClientRect(), box = surface().box;
      x.value = box[0] + (box[1] - box[0]) * (event.clientX - frame.left) / frame.width;
      y.value = box[3] - (box[3] - box[2]) * (event.clientY - frame.top) / frame.height;
      stop(); reset();
    });
    changeSurface();
    return draw;
  });
})();
