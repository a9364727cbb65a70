# 每個目標只呼叫 course.py（Windows 請直接用 python course.py …）。
PYTHON ?= python3

.PHONY: run test test-assets lab book setup lock
run:
	@$(PYTHON) course.py run $(LESSON)
test-assets:
	@$(PYTHON) course.py test-assets $(TIER)
test lab book setup lock:
	@$(PYTHON) course.py $@
