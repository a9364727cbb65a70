# 每個目標只呼叫 course.py（Windows 請直接用 python course.py …）。
PYTHON ?= python3

.PHONY: run test lab book setup lock
run:
	@$(PYTHON) course.py run $(LESSON)
test lab book setup lock:
	@$(PYTHON) course.py $@
