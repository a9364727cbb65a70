/* Full-text search. `terms` cuts text as dlbook.web.search_index does: Latin or Greek words, pairs of Chinese characters. */
window.DLSearch = (function () {
  "use strict";

  function terms(text) {
    var found = [];
    var runs = text.normalize("NFKC").toLowerCase().match(/c\+\+|[a-z0-9_]+|[α-ω]+|[\u3400-\u9fff]+/g) || [];
    runs.forEach(function (run) {
      if (run[0] < "\u3400") {
        found.push(run);
        if (run.includes("_")) found.push.apply(found, run.split("_").filter(Boolean));
      } else if (run.length === 1) found.push(run);
      else for (var i = 0; i + 1 < run.length; i++) found.push(run.slice(i, i + 2));
    });
    return found;
  }

  function unpack(packed) {
    var at = 0;
    return packed.split(" ").map(function (part) {
      var pair = part.split(":");
      at += parseInt(pair[0], 36);
      return [at, pair[1] ? parseInt(pair[1], 36) : 1];
    });
  }

  /* The index's words that a word of the query means: itself, longer ones unless it is a letter, pairs with a lone character. */
  function meant(index, term) {
    var exact = Object.prototype.hasOwnProperty.call(index.terms, term);
    if (term[0] >= "\u3400" ? term.length === 2 : term.length === 1) return exact ? [term] : [];
    return Object.keys(index.terms).filter(function (other) {
      return term[0] < "\u3400" ? other.startsWith(term) : other.includes(term);
    });
  }

  function search(index, query) {
    var wanted = Array.from(new Set(terms(query)));
    var scores = new Map(), hits = new Map();
    wanted.forEach(function (term) {
      var best = new Map();
      meant(index, term).forEach(function (word) {
        var places = unpack(index.terms[word]);
        var rare = Math.log(1 + index.docs.length / places.length) * (word === term ? 1 : 0.5);
        places.forEach(function (place) {
          var score = rare * place[1] / (place[1] + 2);
          best.set(place[0], Math.max(best.get(place[0]) || 0, score));
        });
      });
      best.forEach(function (score, doc) {
        scores.set(doc, (scores.get(doc) || 0) + score);
        hits.set(doc, (hits.get(doc) || 0) + 1);
      });
    });
    var whole = query.normalize("NFKC").toLowerCase().trim();
    return Array.from(scores).filter(function (pair) {
      return hits.get(pair[0]) >= Math.ceil(wanted.length * 0.6);
    }).map(function (pair) {
      var doc = index.docs[pair[0]];
      var bonus = doc[2].toLowerCase().includes(whole) ? 6 : doc[3].toLowerCase().includes(whole) ? 2 : 0;
      return { doc: doc, score: pair[1] + bonus };
    }).sort(function (a, b) { return b.score - a.score; });
  }

  function excerpt(text, query) {
    var low = text.toLowerCase();
    var at = low.indexOf(query.toLowerCase().trim());
    if (at < 0) {
      var starts = terms(query).map(function (term) { return low.indexOf(term); }).filter(function (i) { return i >= 0; });
      at = starts.length ? Math.min.apply(null, starts) : 0;
    }
    var from = Math.max(0, at - 40);
    return (from ? "…" : "") + text.slice(from, from + 130) + (from + 130 < text.length ? "…" : "");
  }

  function marked(text, query) {
    var words = [query.trim()].concat(terms(query)).filter(Boolean).map(function (word) {
      return word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    });
    var holder = document.createElement("p");
    text.split(new RegExp("(" + words.join("|") + ")", "i")).forEach(function (piece, i) {
      if (i % 2) holder.appendChild(document.createElement("mark")).textContent = piece;
      else holder.append(piece);
    });
    return holder;
  }

  function item(hit, query) {
    var entry = document.createElement("li"), link = document.createElement("a");
    link.href = hit.doc[0];
    link.textContent = hit.doc[2] || hit.doc[1];
    if (hit.doc[1] !== hit.doc[2]) {
      var page = document.createElement("small");
      page.textContent = hit.doc[1];
      link.append(page);
    }
    entry.append(link, marked(excerpt(hit.doc[3], query), query));
    return entry;
  }

  function start() {
    var field = document.getElementById("dl-query"), list = document.getElementById("dl-results");
    var status = document.getElementById("dl-search-status");
    function show() {
      var query = field.value.trim();
      var hits = query ? search(window.DL_SEARCH, query) : [];
      list.replaceChildren.apply(list, hits.slice(0, 40).map(function (hit) { return item(hit, query); }));
      status.textContent = !query ? "" : hits.length ? "找到 " + hits.length + " 處" + (hits.length > 40 ? "，列出最相關的 40 處。" : "。")
        : "沒有找到「" + query + "」。換個說法，或試試英文。";
    }
    field.value = new URLSearchParams(window.location.search).get("q") || "";
    field.addEventListener("input", show);
    field.form.addEventListener("submit", function (event) { event.preventDefault(); show(); });
    show();
  }

  return { terms: terms, start: start };
})();
