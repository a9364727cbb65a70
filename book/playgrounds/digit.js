/* The digit network of cnn_fundamentals: forward, and backward to the pixels, in plain loops. */
(function () {
  "use strict";
  var SIDE = 28;

  function conv(x, layer, size) {
    var inputs = layer.shape[1], outputs = layer.shape[0], area = size * size, y = new Float32Array(outputs * area);
    for (var o = 0; o < outputs; o++) for (var row = 0; row < size; row++) for (var col = 0; col < size; col++) {
      var sum = layer.bias[o];
      for (var i = 0; i < inputs; i++) for (var k = 0; k < 9; k++) {
        var r = row + Math.floor(k / 3) - 1, c = col + k % 3 - 1;
        if (r >= 0 && c >= 0 && r < size && c < size) sum += layer.weight[(o * inputs + i) * 9 + k] * x[i * area + r * size + c];
      }
      y[o * area + row * size + col] = sum > 0 ? sum : 0;
    }
    return y;
  }

  function convBack(grad, y, layer, size) {
    var inputs = layer.shape[1], outputs = layer.shape[0], area = size * size, back = new Float32Array(inputs * area);
    for (var o = 0; o < outputs; o++) for (var row = 0; row < size; row++) for (var col = 0; col < size; col++) {
      var at = o * area + row * size + col;
      if (y[at] <= 0 || grad[at] === 0) continue; // ReLU
      for (var i = 0; i < inputs; i++) for (var k = 0; k < 9; k++) {
        var r = row + Math.floor(k / 3) - 1, c = col + k % 3 - 1;
        if (r >= 0 && c >= 0 && r < size && c < size) back[i * area + r * size + c] += layer.weight[(o * inputs + i) * 9 + k] * grad[at];
      }
    }
    return back;
  }

  function pool(x, size) {
    var channels = x.length / (size * size), half = size / 2, y = new Float32Array(channels * half * half), from = new Int32Array(y.length);
    for (var c = 0, at = 0; c < channels; c++) for (var r = 0; r < half; r++) for (var k = 0; k < half; k++, at++) {
      var base = c * size * size + 2 * r * size + 2 * k, best = base;
      [base + 1, base + size, base + size + 1].forEach(function (other) { if (x[other] > x[best]) best = other; });
      y[at] = x[best]; from[at] = best;
    }
    return { y: y, from: from };
  }

  function forward(layers, image) {
    var x = image, size = SIDE, trace = [];
    layers.forEach(function (layer) {
      var step = { layer: layer, size: size };
      if (layer.kind === "conv") step.y = x = conv(x, layer, size);
      else if (layer.kind === "pool") {
        var pooled = pool(x, size);
        step.length = x.length; step.from = pooled.from; x = pooled.y; size /= 2;
      } else {
        var area = size * size, inputs = layer.shape[1], logits = [];
        for (var o = 0; o < layer.shape[0]; o++) {
          var sum = layer.bias[o];
          for (var i = 0; i < inputs; i++) {
            var mean = 0;
            for (var p = 0; p < area; p++) mean += x[i * area + p];
            sum += layer.weight[o * inputs + i] * mean / area;
          }
          logits.push(sum);
        }
        x = logits;
      }
      trace.push(step);
    });
    return { logits: x, trace: trace };
  }

  /* The gradient of one score with respect to the 784 pixels. */
  function saliency(run, digit) {
    var grad = null;
    for (var n = run.trace.length - 1; n >= 0; n--) {
      var step = run.trace[n], layer = step.layer;
      if (layer.kind === "linear") {
        var area = step.size * step.size;
        grad = new Float32Array(layer.shape[1] * area);
        for (var i = 0; i < grad.length; i++) grad[i] = layer.weight[digit * layer.shape[1] + Math.floor(i / area)] / area;
      } else if (layer.kind === "pool") {
        var back = new Float32Array(step.length);
        for (var j = 0; j < grad.length; j++) back[step.from[j]] += grad[j];
        grad = back;
      } else grad = convBack(grad, step.y, layer, step.size);
    }
    return grad;
  }

  function softmax(logits) {
    var most = Math.max.apply(null, logits), e = logits.map(function (v) { return Math.exp(v - most); });
    var sum = e.reduce(function (a, b) { return a + b; }, 0);
    return e.map(function (v) { return v / sum; });
  }

  function load(data) {
    return data.layers.map(function (layer) {
      return layer.weight ? { kind: layer.kind, shape: layer.shape, weight: DLPlay.floats(layer.weight), bias: DLPlay.floats(layer.bias) } : layer;
    });
  }

  /* As MNIST was made: the ink's box scaled to 20 × 20, its centre of mass moved to the middle. */
  function centred(pad) {
    var size = pad.width, ink = pad.getContext("2d").getImageData(0, 0, size, size).data;
    var left = size, right = -1, top = size, bottom = -1;
    for (var y = 0; y < size; y++) for (var x = 0; x < size; x++) if (ink[4 * (y * size + x) + 3] > 20) {
      if (x < left) left = x; if (x > right) right = x; if (y < top) top = y; if (y > bottom) bottom = y;
    }
    if (right < 0) return null;
    var width = right - left + 1, height = bottom - top + 1, scale = 20 / Math.max(width, height, 60);
    var small = document.createElement("canvas");
    small.width = small.height = SIDE;
    var pen = small.getContext("2d", { willReadFrequently: true });
    pen.imageSmoothingQuality = "high";
    pen.drawImage(pad, left, top, width, height, (SIDE - width * scale) / 2, (SIDE - height * scale) / 2, width * scale, height * scale);
    return shifted(pen.getImageData(0, 0, SIDE, SIDE).data);
  }

  function shifted(rgba) {
    var mass = 0, mx = 0, my = 0, image = new Float32Array(SIDE * SIDE);
    for (var i = 0; i < image.length; i++) {
      var v = rgba[4 * i + 3] / 255;
      mass += v; mx += v * (i % SIDE); my += v * Math.floor(i / SIDE);
    }
    var dx = Math.round(13.5 - mx / mass), dy = Math.round(13.5 - my / mass);
    for (var j = 0; j < image.length; j++) {
      var x = j % SIDE - dx, y = Math.floor(j / SIDE) - dy;
      if (x >= 0 && y >= 0 && x < SIDE && y < SIDE) image[j] = rgba[4 * (y * SIDE + x) + 3] / 255;
    }
    return image;
  }

  DLPlay.digit = { load: load, forward: forward, saliency: saliency };

  DLPlay.start("digit", function (section, find) {
    var data = DL_DATA.digit, layers = load(data), pad = find(".play-pad"), pen = pad.getContext("2d", { willReadFrequently: true });
    var ink = document.createElement("canvas"), inkPen = ink.getContext("2d", { willReadFrequently: true });
    var bars = find(".play-bars"), answer = find(".play-answer"), show = find("[data-saliency]"), seen = find(".play-seen");
    var image = null, last = null, sample = false, cursor = { x: 140, y: 60, down: false, shown: false }, rows = [], waiting = 0;
    ink.width = ink.height = 280;
    for (var d = 0; d < 10; d++) {
      var name = document.createElement("span"), bar = document.createElement("span"), share = document.createElement("span");
      name.textContent = d; bar.className = "play-bar"; bar.append(document.createElement("i"));
      bars.append(name, bar, share);
      rows.push({ name: name, bar: bar.firstChild, share: share });
      var button = document.createElement("button");
      button.type = "button"; button.textContent = d;
      button.setAttribute("aria-label", "測試影像 " + d);
      button.addEventListener("click", example.bind(null, d));
      find(".play-examples").append(button);
    }

    function example(digit) {
      var pixels = DLPlay.bytes(data.examples[digit]), small = document.createElement("canvas");
      small.width = small.height = SIDE;
      var smallPen = small.getContext("2d"), frame = smallPen.createImageData(SIDE, SIDE);
      pixels.forEach(function (v, i) { frame.data[4 * i + 3] = v; });
      smallPen.putImageData(frame, 0, 0);
      inkPen.clearRect(0, 0, 280, 280);
      inkPen.drawImage(small, 0, 0, 280, 280);
      image = Float32Array.from(pixels, function (v) { return v / 255; });
      sample = true;
      classify();
    }

    function clear() {
      inkPen.clearRect(0, 0, 280, 280);
      image = null;
      sample = false;
      classify();
    }

    function line(a, b) {
      if (sample) { inkPen.clearRect(0, 0, 280, 280); sample = false; }
      inkPen.lineWidth = 22; inkPen.lineCap = inkPen.lineJoin = "round"; inkPen.strokeStyle = "#000";
      inkPen.beginPath(); inkPen.moveTo(a.x, a.y); inkPen.lineTo(b.x, b.y + 0.01); inkPen.stroke();
      paper();
      if (!waiting) waiting = requestAnimationFrame(function () { waiting = 0; image = centred(ink); classify(); });
    }

    function paper() {
      pen.fillStyle = "#fff"; pen.fillRect(0, 0, 280, 280);
      pen.drawImage(ink, 0, 0);
      if (!cursor.shown) return;
      pen.strokeStyle = cursor.down ? "#b4540a" : "#0b5f8a"; pen.lineWidth = 3;
      pen.beginPath(); pen.arc(cursor.x, cursor.y, 13, 0, 7); pen.stroke();
    }

    function classify() {
      paper();
      var run = image && forward(layers, image), p = run ? softmax(run.logits) : null;
      var best = p ? p.indexOf(Math.max.apply(null, p)) : -1;
      rows.forEach(function (row, digit) {
        row.bar.style.width = p ? 100 * p[digit] + "%" : "0";
        row.share.textContent = p ? DLPlay.percent(p[digit]) : "";
        row.name.className = digit === best ? "play-top" : "";
      });
      answer.textContent = p ? "我看是 " + best + "，" + (p[best] > 0.9 ? "很有把握" : p[best] > 0.6 ? "大概是" : "不太確定") + "（" + DLPlay.percent(p[best]) + "）。" + (sample ? "這是一張測試影像；動筆就換成你寫的。" : "") : "先寫一個數字。";
      section.dataset.answer = best;
      drawSeen(run, best);
    }

    function drawSeen(run, best) {
      var seenPen = seen.getContext("2d"), frame = seenPen.createImageData(SIDE, SIDE), dark = DLPlay.isDark();
      var grad = show.checked && run ? saliency(run, best) : null;
      var most = grad ? grad.reduce(function (m, v) { return Math.max(m, Math.abs(v)); }, 1e-9) : 1;
      for (var i = 0; i < SIDE * SIDE; i++) {
        var v = image ? image[i] : 0, base = dark ? [26, 31, 36] : [255, 255, 255], front = dark ? 235 : 25;
        var rgb = grad ? DLPlay.diverging(grad[i] / most, dark).map(function (c) { return c + (front - c) * 0.35 * v; })
          : base.map(function (b) { return b + (front - b) * v; });
        for (var c = 0; c < 3; c++) frame.data[4 * i + c] = rgb[c];
        frame.data[4 * i + 3] = 255;
      }
      seenPen.putImageData(frame, 0, 0);
      find("[data-legend]").textContent = grad
        ? "橘：這裡多一點墨，「" + best + "」的分數會上升；藍：會下降。這是分數對每個像素的梯度。"
        : "網路看到的 28×28：縮到 20×20，再把重心移到正中間，和 MNIST 一樣。";
    }

    function place(event) {
      var frame = pad.getBoundingClientRect();
      return { x: (event.clientX - frame.left) / frame.width * 280, y: (event.clientY - frame.top) / frame.height * 280 };
    }

    pad.addEventListener("pointerdown", function (event) {
      event.preventDefault(); pad.focus({ preventScroll: true });
      cursor.shown = false;
      try { pad.setPointerCapture(event.pointerId); } catch (error) { /* a pointer that is gone already */ }
      last = place(event); line(last, last);
    });
    pad.addEventListener("pointermove", function (event) {
      if (!last) return;
      var here = place(event); line(last, here); last = here;
    });
    ["pointerup", "pointercancel"].forEach(function (name) { pad.addEventListener(name, function () { last = null; }); });
    pad.addEventListener("keydown", function (event) {
      var move = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10] }[event.key];
      if (move) {
        var before = { x: cursor.x, y: cursor.y };
        cursor.x = Math.min(268, Math.max(12, cursor.x + move[0]));
        cursor.y = Math.min(268, Math.max(12, cursor.y + move[1]));
        cursor.shown = true;
        if (cursor.down) line(before, cursor);
      } else if (event.key === " ") {
        cursor.down = !cursor.down; cursor.shown = true;
        if (cursor.down) line(cursor, cursor);
      } else if (event.key === "Delete" || event.key === "Backspace") clear();
      else return;
      event.preventDefault(); paper();
    });
    pad.addEventListener("blur", function () { cursor.shown = cursor.down = false; paper(); });
    find('[data-do="clear"]').addEventListener("click", clear);
    show.addEventListener("change", classify);
    example(4); // one that the network is sure of
    return classify;
  });
})();
