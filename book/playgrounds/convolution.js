/* A 3 × 3 kernel over a photograph, as F.conv2d does it (cross-correlation, padding 1). */
(function () {
  "use strict";

  var PRESETS = {
    "左右邊緣（Sobel）": [-1, 0, 1, -2, 0, 2, -1, 0, 1],
    "上下邊緣（Sobel）": [-1, -2, -1, 0, 0, 0, 1, 2, 1],
    "所有邊緣（Laplacian）": [0, 1, 0, 1, -4, 1, 0, 1, 0],
    "模糊（平均）": [1, 1, 1, 1, 1, 1, 1, 1, 1].map(function (v) { return v / 9; }),
    "銳化": [0, -1, 0, -1, 5, -1, 0, -1, 0],
    "浮雕": [-2, -1, 0, -1, 1, 1, 0, 1, 2],
    "什麼都不做": [0, 0, 0, 0, 1, 0, 0, 0, 0],
    "往左移一格": [0, 0, 0, 0, 0, 1, 0, 0, 0],
  };

  function convolve(pixels, side, kernel, stride) {
    var size = Math.floor((side - 1) / stride) + 1, out = new Float32Array(size * size);
    for (var row = 0; row < size; row++) for (var column = 0; column < size; column++) {
      var sum = 0;
      for (var i = 0; i < 9; i++) {
        var r = row * stride + Math.floor(i / 3) - 1, c = column * stride + i % 3 - 1;
        if (r >= 0 && c >= 0 && r < side && c < side) sum += kernel[i] * pixels[r * side + c];
      }
      out[row * size + column] = sum;
    }
    return { values: out, size: size };
  }

  DLPlay.convolution = { convolve: convolve };

  DLPlay.start("convolution", function (section, find) {
    var data = DL_DATA.convolution, side = 0, pixels = null, result = null;
    var preset = find("#convolution-preset"), stride = find("#convolution-stride"), relu = find("[data-relu]");
    var row = find("#convolution-row"), column = find("#convolution-column"), photo = new Image();
    var kernels = Object.assign({}, PRESETS), fields = [];
    data.learned.forEach(function (kernel, i) { kernels["數字網路學到的第 " + (i + 1) + " 個"] = kernel; });
    Object.keys(kernels).forEach(function (name) { preset.add(new Option(name, name)); });
    preset.add(new Option("自己填的", ""));
    for (var i = 0; i < 9; i++) {
      var field = document.createElement("input");
      field.type = "number"; field.step = "any";
      field.setAttribute("aria-label", "第 " + (Math.floor(i / 3) + 1) + " 列第 " + (i % 3 + 1) + " 欄的權重");
      field.addEventListener("input", function () { preset.value = ""; update(); });
      fields.push(field);
      find(".play-kernel").append(field);
    }
    find("[data-credit]").textContent = "照片：" + data.credit;

    function kernel() { return fields.map(function (field) { return Number(field.value) || 0; }); }

    function usePreset() {
      (kernels[preset.value] || kernel()).forEach(function (value, i) { fields[i].value = Math.round(value * 1000) / 1000; });
      update();
    }

    function update() {
      result = convolve(pixels, side, kernels[preset.value] || kernel(), Number(stride.value));
      if (relu.checked) result.values = result.values.map(function (v) { return Math.max(0, v); });
      [row, column].forEach(function (slider) {
        var at = Number(slider.value) / (Number(slider.max) || 1);
        slider.max = result.size - 1;
        slider.value = Math.round(at * (result.size - 1));
      });
      draw();
    }

    function paint(canvas, size, shade) {
      var small = document.createElement("canvas");
      small.width = small.height = size;
      var pen = small.getContext("2d"), image = pen.createImageData(size, size);
      for (var i = 0; i < size * size; i++) {
        var rgb = shade(i);
        image.data[4 * i] = rgb[0]; image.data[4 * i + 1] = rgb[1]; image.data[4 * i + 2] = rgb[2]; image.data[4 * i + 3] = 255;
      }
      pen.putImageData(image, 0, 0);
      var context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, canvas.width, canvas.height);
      return context;
    }

    function mark(context, unit, top, left, size) {
      context.lineWidth = 3; context.strokeStyle = "#fff";
      context.strokeRect(left * unit - 2, top * unit - 2, size * unit + 4, size * unit + 4);
      context.lineWidth = 2; context.strokeStyle = "#d14900";
      context.strokeRect(left * unit - 2, top * unit - 2, size * unit + 4, size * unit + 4);
    }

    function draw() {
      if (!result) return;
      var signed = result.values.some(function (v) { return v < -0.5; }), dark = DLPlay.isDark();
      var most = result.values.reduce(function (m, v) { return Math.max(m, Math.abs(v)); }, 1);
      var r = Number(row.value), c = Number(column.value), step = Number(stride.value);
      var input = find("[data-in]"), output = find("[data-out]");
      mark(paint(input, side, function (i) { return [pixels[i], pixels[i], pixels[i]]; }), input.width / side, r * step - 1, c * step - 1, 3);
      mark(paint(output, result.size, function (i) {
        var v = result.values[i];
        if (signed) return DLPlay.diverging(v / most * 1.6, dark);
        var grey = most > 255 ? v / most * 255 : v;
        return [grey, grey, grey];
      }), output.width / result.size, r, c, 1);
      find("[data-scale]").textContent = (signed ? "橘色是正的，藍色是負的，底色是 0" : "黑是 0，白是 " + Math.round(Math.max(255, most))) + "；輸出 " + result.size + "×" + result.size;
      explain(r, c, step);
    }

    function explain(r, c, step) {
      var weights = kernels[preset.value] || kernel(), lines = [], sum = 0, exact = true;
      for (var i = 0; i < 9; i++) {
        var y = r * step + Math.floor(i / 3) - 1, x = c * step + i % 3 - 1;
        var value = y >= 0 && x >= 0 && y < side && x < side ? pixels[y * side + x] : 0;
        sum += weights[i] * value;
        var weight = Math.round(weights[i] * 100) / 100;
        exact = exact && weight === weights[i];
        lines.push(value + "×" + (weight < 0 ? "(−" + -weight + ")" : weight) + (i === 8 ? "" : i % 3 === 2 ? " ＋\n" : " ＋ "));
      }
      var shown = relu.checked ? Math.max(0, sum) : sum;
      exact = exact && Math.abs(Math.round(sum * 10) / 10 - sum) < 1e-6;
      find(".play-sum").textContent = lines.join("").trim() + (exact ? "\n＝ " : "\n≈ ") + Math.round(sum * 10) / 10 + (relu.checked ? "，ReLU 之後 " + Math.round(shown * 10) / 10 : "");
      find('[data-of="row"]').textContent = r + 1;
      find('[data-of="column"]').textContent = c + 1;
    }

    function pick(event) {
      var frame = event.target.getBoundingClientRect();
      row.value = Math.floor((event.clientY - frame.top) / frame.height * result.size);
      column.value = Math.floor((event.clientX - frame.left) / frame.width * result.size);
      draw();
    }

    photo.onload = function () {
      side = photo.naturalWidth;
      var canvas = document.createElement("canvas");
      canvas.width = canvas.height = side;
      var pen = canvas.getContext("2d", { willReadFrequently: true });
      pen.drawImage(photo, 0, 0);
      var raw = pen.getImageData(0, 0, side, side).data;
      pixels = new Uint8Array(side * side);
      for (var i = 0; i < side * side; i++) pixels[i] = raw[4 * i];
      row.max = column.max = side - 1;
      row.value = Math.round(side * 0.36); column.value = Math.round(side * 0.4);
      usePreset();
      section.dataset.loaded = "true";
    };
    preset.addEventListener("change", usePreset);
    stride.addEventListener("change", update);
    relu.addEventListener("change", update);
    [row, column].forEach(function (slider) { slider.addEventListener("input", draw); });
    find("[data-in]").addEventListener("click", pick);
    find("[data-out]").addEventListener("click", pick);
    photo.src = data.image;
    return draw;
  });
})();
