/* Temperature, then top-k, then top-p, in the order of dlbook.sequence_modeling.sampling.sample_token. */
(function () {
  "use strict";
  var SHOWN = 14, COUNTS = [1, 2, 5, 10, 20, 50, 100, 200, 0];

  /* Tokens by name first, then bins of [score, how many]; every entry is a score that `count` tokens share. */
  function entries(prompt) {
    return prompt.logits.map(function (logit, i) { return { token: prompt.tokens[i], logit: logit, count: 1 }; })
      .concat(prompt.tail.map(function (bin) { return { token: null, logit: bin[0], count: bin[1] }; }));
  }

  function adjusted(prompt, temperature, k, p) {
    var list = entries(prompt), most = list[0].logit, total = 0, before = 0;
    list.forEach(function (entry, i) {
      entry.weight = temperature === 0 ? (i === 0 ? 1 : 0) : Math.exp((entry.logit - most) / temperature);
    });
    list.forEach(function (entry) {
      entry.kept = k ? Math.max(0, Math.min(entry.count, k - before)) : entry.count;
      if (entry.weight === 0) entry.kept = 0;
      before += entry.count;
      total += entry.weight * entry.kept;
    });
    var sum = 0;
    list.forEach(function (entry) {
      var each = entry.weight / total, room = p >= 1 ? entry.kept : Math.max(0, Math.ceil((p - sum) / each - 1e-9));
      sum += each * entry.kept;
      entry.kept = each > 0 ? Math.min(entry.kept, room) : 0;
    });
    total = list.reduce(function (t, entry) { return t + entry.weight * entry.kept; }, 0);
    list.forEach(function (entry) { entry.each = entry.kept ? entry.weight / total : 0; });
    return list;
  }

  function draw(list, random) {
    var left = random;
    for (var i = 0; i < list.length; i++) {
      left -= list[i].each * list[i].kept;
      if (left < 0) return i;
    }
    return 0;
  }

  DLPlay.sampling = { adjusted: adjusted, draw: draw };

  DLPlay.start("sampling", function (section, find) {
    var data = DL_DATA.sampling, select = find("select"), bars = find(".play-tokenbars");
    var temperature = find("#sampling-temperature"), k = find("#sampling-k"), p = find("#sampling-p");
    var drawn = new Map(), count = 0, rows = [], lastDrawn = "";
    data.prompts.forEach(function (prompt, i) { select.add(new Option(prompt.text + " …", i)); });
    find("[data-model]").textContent = "模型：" + data.model + "；下一個 token 一共有 " + data.vocabulary.toLocaleString() + " 種。";
    for (var i = 0; i <= SHOWN; i++) {
      var cells = [0, 1, 2, 3].map(function () { return document.createElement("span"); });
      cells[1].className = "play-bar";
      cells[1].append(document.createElement("i"), document.createElement("b"));
      bars.append.apply(bars, cells);
      rows.push(cells);
    }

    function prompt() { return data.prompts[Number(select.value)]; }
    function now() { return adjusted(prompt(), Number(temperature.value), COUNTS[Number(k.value)], Number(p.value)); }
    function sum(list, field) { return list.reduce(function (t, e) { return t + e.each * e[field]; }, 0); }
    function readable(token) { var shown = token.replace(/\n/g, "↵"); return shown.trim() ? shown : "␣"; }

    function fill(cells, name, now, plain, times, out) {
      cells[0].textContent = name;
      cells[0].className = out ? "play-out" : "";
      cells[1].children[0].style.width = 100 * now + "%";
      cells[1].children[1].style.width = 100 * plain + "%";
      cells[2].textContent = out ? "—" : DLPlay.percent(now);
      cells[3].textContent = times ? "×" + times : "";
    }

    function show() {
      var list = now(), plain = adjusted(prompt(), 1, 0, 1);
      var kept = list.reduce(function (t, e) { return t + e.kept; }, 0), rest = 0;
      for (var i = 0; i < SHOWN; i++) fill(rows[i], readable(list[i].token), list[i].each, plain[i].each, drawn.get(i), !list[i].kept);
      drawn.forEach(function (times, i) { rest += i >= SHOWN ? times : 0; });
      fill(rows[SHOWN], "其他", sum(list.slice(SHOWN), "kept"), sum(plain.slice(SHOWN), "count"), rest, kept <= SHOWN);
      find('[for="sampling-temperature"] output').textContent = Number(temperature.value).toFixed(2);
      find('[for="sampling-k"] output').textContent = COUNTS[Number(k.value)] || "不限";
      find('[for="sampling-p"] output').textContent = Number(p.value) < 1 ? Number(p.value).toFixed(2) : "不限";
      find("[data-status]").textContent = "留下 " + kept.toLocaleString() + " 個 token，最可能的「" + readable(list[0].token) + "」占 " + DLPlay.percent(list[0].each) + "。";
      find(".play-prompt").textContent = prompt().text + (count ? lastDrawn : " …") + (count ? told() : "");
    }

    /* How many kinds were drawn; a bin of the tail holds many, so that it isn't counted as one. */
    function told() {
      var named = prompt().tokens.length, kinds = 0, beyond = 0;
      drawn.forEach(function (times, i) { if (i < named) kinds++; else beyond += times; });
      var tail = beyond ? "，另有 " + beyond + " 次落在 " + named + " 名之後" : "";
      return "　（抽了 " + count + " 次：" + kinds + " 種" + tail + "）";
    }

    function sample(times) {
      var list = now();
      for (var i = 0; i < times; i++, count++) {
        var at = draw(list, Math.random());
        drawn.set(at, (drawn.get(at) || 0) + 1);
        lastDrawn = list[at].token === null ? " （排在 " + prompt().tokens.length + " 名之後的某一個）" : readable(list[at].token);
      }
      show();
    }

    function forget() { drawn.clear(); count = 0; show(); }

    [temperature, k, p].forEach(function (slider) { slider.addEventListener("input", forget); });
    select.addEventListener("change", forget);
    find('[data-do="one"]').addEventListener("click", function () { sample(1); });
    find('[data-do="many"]').addEventListener("click", function () { sample(100); });
    find('[data-do="reset"]').addEventListener("click", forget);
    show();
    return null;
  });
})();
