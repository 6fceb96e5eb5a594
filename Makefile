# Every target sets up what it needs, and says what it is doing. `make run` and `make test` are all there is to know.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
HOST ?= 127.0.0.1
PORT ?= 7860
# Of how many evaluation cases one is asked again of changed articles.
EVERY ?= 1
export HF_HUB_OFFLINE := 1
export TRANSFORMERS_OFFLINE := 1
export GRADIO_ANALYTICS_ENABLED := False
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run test test-browser bench load fuzz install index ask eval lint clean browser

help:  ## what can be typed
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

run: index  ## set up, build the index if it is missing or stale, serve the page on 127.0.0.1:7860
	@$(BIN)/xiaobao serve --host $(HOST) --port $(PORT)

test: index  ## set up, then run the whole test suite
	@echo "==> 运行测试"
	@$(BIN)/python -m pytest -m "not browser" --numprocesses 2 --dist worksteal --cov --cov-report=
	@$(MAKE) --no-print-directory test-browser COVERAGE="--cov --cov-append --cov-report=term"

test-browser: index browser  ## the tests of the page alone, in a real Chromium
	@echo "==> 运行页面测试"
	@$(BIN)/python -m pytest -m browser --numprocesses 2 --dist worksteal $(COVERAGE)

bench: index browser  ## how fast the page is, and what a long conversation costs
	@echo "==> 启动服务器并测量"
	@$(BIN)/python -m tests.ui.bench_page

load: index  ## 50 users at once for five minutes, against a server of its own on loopback
	@$(BIN)/python -m tests.ui.bench_load

fuzz: index  ## send the server 7,000 generated, malformed and hostile requests
	@echo "==> 启动服务器并发送请求（约十分钟）"
	@$(BIN)/python -m tests.ui.fuzz_api

install: $(STAMP)  ## set up alone

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "找不到 $(PYTHON)。请安装 Python 3.11，或用 make PYTHON=/path/to/python3.11 指定。"; exit 1; }
	@echo "==> 创建虚拟环境 $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "==> 安装依赖（第一次约需三至五分钟，之后不再重复）"
	@$(BIN)/python -m pip install --progress-bar off -c constraints.txt -e '.[dev]' \
	  | sed -un 's/^Collecting \([^ ]*\).*/    取 \1/p; s/^Installing collected packages.*/    安装到 $(VENV) …/p'
	@touch $@
	@echo "==> 安装完成"

index: $(STAMP)  ## build the index if it is missing or stale
	@$(BIN)/xiaobao ingest

export Q

ask: index  ## ask one question: make ask Q="2022年平安人寿赔付了多少件？"
	@test -n "$${Q:-}" || { echo '请这样提问：make ask Q="2022年平安人寿赔付了多少件？"'; exit 2; }
	@$(BIN)/xiaobao ask -- "$$Q"

eval: index  ## check the cases, ask them all, report, hold against the baseline, change the articles and ask again
	@echo "==> 检查用例" && $(BIN)/xiaobao-eval lint
	@echo "==> 评测" && $(BIN)/xiaobao-eval run --gate --no-failures
	@echo "==> 改动资料再问" && $(BIN)/xiaobao-eval perturb --at-least 0.95 --every $(EVERY)

lint: $(STAMP)  ## style, types, and the direction of imports
	@echo "==> ruff" && $(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "==> mypy" && $(BIN)/mypy
	@echo "==> import-linter" && $(BIN)/lint-imports

# The page is tested in a real browser; one is installed from the system's packages when none is there.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
	  echo "==> 安装 Chromium（页面测试用）"; \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; } \
	  || { echo "没有 Chromium。请先安装：sudo apt-get install chromium fonts-noto-cjk"; exit 1; }; }

clean:  ## remove the environment, the index, and everything else that was built
	@rm -rf $(VENV) var runs build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
