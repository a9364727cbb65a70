/* Attention from a real model's scores: the mask and the softmax are done here. */
(function () {
  "use strict";
  var KINDS = {
    induction: ["照抄的頭", "回頭找同一個字上次出現的地方，看它後面那一個（歸納頭）。用出現兩次 red apple 的那一句看得最清楚。"],
    previous: ["看前一個的頭", "幾乎只看左邊隔壁的 token。"],
    first: ["都看第一個的頭", "沒事做的時候，把注意力堆在第一個 token 上（attention sink）。"],
    self: ["看自己的頭", "大半的注意力留給自己。"],
  };

  function visible(mask, query, key, width) {
    if (mask === "none") return true;
    return key <= query && (mask !== "window" || query - key < width);
  }

  /* softmax along the keys; a masked key has exactly 0. `raw` scores were divided by √d already. */
  function weights(raw, length, mask, width, factor) {
    var rows = [];
    for (var q = 0; q < length; q++) {
      var most = -Infinity, row = [], sum = 0;
      for (var k = 0; k < length; k++) if (visible(mask, q, k, width)) most = Math.max(most, raw[q * length + k] * factor);
      for (k = 0; k < length; k++) {
        row.push(visible(mask, q, k, width) ? Math.exp(raw[q * length + k] * factor - most) : 0);
        sum += row[k];
      }
      rows.push(row.map(function (v) { return v / sum; }));
    }
    return rows;
  }

  function scores(data, sentence, layer, head) {
    var length = sentence.tokens.length;
    if (!sentence.unpacked) sentence.unpacked = new Int16Array(DLPlay.bytes(sentence.scores).buffer);
    var from = (layer * data.heads + head) * length * length;
    return Float32Array.from(sentence.unpacked.subarray(from, from + length * length), function (v) { return v * data.unit; });
  }

  DLPlay.attention = { weights: weights, scores: scores };

  DLPlay.start("attention", function (section, find) {
    var data = DL_DATA.attention, canvas = find("canvas"), context = canvas.getContext("2d");
    var select = find("#attention-sentence"), layer = find("#attention-layer"), head = find("#attention-head");
    var width = find("#attention-window"), scaled = find("[data-scale]"), tokens = find(".play-tokens"), chosen = 0;

    data.sentences.forEach(function (one, i) { select.add(new Option(one.text, i)); });
    for (var i = 0; i < data.layers; i++) layer.add(new Option(i + 1, i));
    for (i = 0; i < data.heads; i++) head.add(new Option(i + 1, i));
    data.notable.forEach(function (one) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = KINDS[one.kind][0];
      button.dataset.kind = one.kind;
      button.addEventListener("click", function () {
        layer.value = one.layer; head.value = one.head;
        if (one.kind === "induction") { select.value = 1; build(10); }
        draw();
      });
      find("[data-notable]").append(button);
    });
    find("[data-model]").textContent = "模型：" + data.model + "。分數是真的；softmax 與遮罩在這一頁算。";

    function sentence() { return data.sentences[Number(select.value)]; }
    function mask() { return find('[name="attention-mask"]:checked').value; }

    function build(at) {
      chosen = at === undefined ? sentence().tokens.length - 1 : at;
      tokens.replaceChildren();
      sentence().tokens.forEach(function (token, i) {
        var button = document.createElement("button"), share = document.createElement("small");
        button.type = "button"; button.setAttribute("role", "radio");
        button.append(token.trim() || "␣", share);
        button.addEventListener("click", function () { chosen = i; draw(); });
        button.addEventListener("keydown", function (event) {
          var step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
          if (!step) return;
          event.preventDefault();
          chosen = (i + step + tokens.children.length) % tokens.children.length;
          draw(); tokens.children[chosen].focus();
        });
        tokens.append(button);
      });
    }

    function current() {
      var factor = scaled.checked ? 1 : Math.sqrt(data.head_dim);
      var raw = scores(data, sentence(), Number(layer.value), Number(head.value));
      return weights(raw, sentence().tokens.length, mask(), Number(width.value), factor);
    }

    function draw() {
      var rows = current();
      find("[data-window]").hidden = mask() !== "window";
      find("[data-window] output").textContent = width.value;
      Array.from(tokens.children).forEach(function (button, i) {
        var hidden = !visible(mask(), chosen, i, Number(width.value)), share = rows[chosen][i];
        button.style.setProperty("--share", share.toFixed(4));
        button.classList.toggle("play-hidden", hidden);
        button.setAttribute("aria-checked", String(i === chosen));
        button.tabIndex = i === chosen ? 0 : -1;
        button.lastChild.textContent = hidden ? "遮住" : DLPlay.percent(share);
      });
      section.querySelectorAll("[data-kind]").forEach(function (button) {
        var one = data.notable.find(function (n) { return n.kind === button.dataset.kind; });
        button.setAttribute("aria-pressed", String(one.layer === Number(layer.value) && one.head === Number(head.value)));
      });
      say(rows);
      paint(rows);
    }

    function say(rows) {
      var row = rows[chosen], best = row.indexOf(Math.max.apply(null, row)), words = sentence().tokens;
      var kind = data.notable.find(function (n) { return n.layer === Number(layer.value) && n.head === Number(head.value); });
      var text = "第 " + (Number(layer.value) + 1) + " 層第 " + (Number(head.value) + 1) + " 個頭：「" + words[chosen].trim() + "」最看「" + words[best].trim() + "」，" + DLPlay.percent(row[best]) + "。";
      find("[data-status]").textContent = text + (kind ? KINDS[kind.kind][1] : "");
      find("[data-warning]").textContent = mask() === "none" ? "不遮的時候，它也看得到右邊的未來；模型訓練時從沒這樣看過，只是算給你看。"
        : !scaled.checked ? "分數大了 8 倍（√64），softmax 幾乎變成只選一個。" : "";
      canvas.setAttribute("aria-label", "注意力權重。" + text);
    }

    function paint(rows) {
      var length = rows.length, left = 92, cell = (canvas.width - left) / length, top = canvas.height - cell * length;
      var dark = DLPlay.isDark();
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.font = "20px " + getComputedStyle(document.body).fontFamily;
      context.textBaseline = "middle";
      for (var q = 0; q < length; q++) {
        context.fillStyle = DLPlay.colour(q === chosen ? "--dl-warm" : "--color-foreground-primary");
        context.textAlign = "right";
        context.fillText(sentence().tokens[q].trim(), left - 8, top + (q + 0.5) * cell, left - 10);
        context.save();
        context.translate(left + (q + 0.5) * cell, top - 8);
        context.rotate(-Math.PI / 2);
        context.textAlign = "left";
        context.fillText(sentence().tokens[q].trim(), 0, 0, top - 10);
        context.restore();
        for (var k = 0; k < length; k++) {
          var x = left + k * cell, y = top + q * cell;
          context.fillStyle = "rgb(" + DLPlay.diverging(Math.pow(rows[q][k], 0.7), dark).join(",") + ")";
          context.fillRect(x, y, cell - 1, cell - 1);
          if (!visible(mask(), q, k, Number(width.value))) {
            context.strokeStyle = DLPlay.colour("--color-background-border");
            context.beginPath(); context.moveTo(x, y + cell - 1); context.lineTo(x + cell - 1, y); context.stroke();
          }
        }
      }
      context.strokeStyle = DLPlay.colour("--color-brand-primary"); context.lineWidth = 2.5;
      context.strokeRect(left - 1, top + chosen * cell - 1, cell * length + 1, cell + 1);
      context.lineWidth = 1;
    }

    canvas.addEventListener("click", function (event) {
      var frame = canvas.getBoundingClientRect(), length = sentence().tokens.length, cell = (canvas.width - 92) / length;
      var row = Math.floor(((event.clientY - frame.top) / frame.height * canvas.height - (canvas.height - cell * length)) / cell);
      if (row >= 0) { chosen = row; draw(); }
    });
    select.addEventListener("change", function () { build(); draw(); });
    [layer, head, scaled, width].concat(Array.from(section.querySelectorAll('[name="attention-mask"]'))).forEach(function (control) {
      control.addEventListener("input", draw);
    });
    layer.value = data.notable[0].layer; head.value = data.notable[0].head; select.value = 1;
    build(10);
    draw();
    return draw;
  });
})();
