# A thin front to make.py, which says what each of these does and also runs without make: python3 make.py dance
ifeq ($(OS),Windows_NT)
PYTHON ?= python
else
PYTHON ?= python3
endif

.PHONY: help dance test test-clients test-faults test-guide test-webgpu lint soak bench fuzz audit clean

help dance test test-clients test-faults test-guide test-webgpu lint soak bench fuzz audit clean:
	@$(PYTHON) make.py $@ $(if $(filter soak,$@),$(MINUTES:%=--minutes %)) $(ARGS)

.DEFAULT_GOAL := help
