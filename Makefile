# Everything a newcomer needs, from a fresh clone: `make demo` and `make test` do their own set-up.
#
# Variables: ROS_DISTRO=jazzy|kilted, VENV=<folder>, PYTHON=<a Python 3.12>, ARGS=<more arguments>.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The shell of somebody who works with another ROS names that one; only these two have wheels.
ifneq ($(origin ROS_DISTRO), command line)
  ifeq ($(filter jazzy kilted,$(ROS_DISTRO)),)
    ROS_DISTRO := jazzy
  endif
endif
LOCK := requirements/$(ROS_DISTRO).lock
ifeq ($(wildcard $(LOCK)),)
  $(error There is no $(LOCK): choose ROS_DISTRO=jazzy or ROS_DISTRO=kilted)
endif

# Every distribution has its own folders, so that both can be used side by side.
SUFFIX := $(if $(filter-out jazzy,$(ROS_DISTRO)),-$(ROS_DISTRO))
VENV ?= .venv$(SUFFIX)
ARGS ?=

# The environment is a ROS prefix. One that was sourced before must not shine through.
ifneq ($(findstring /opt/ros/,$(AMENT_PREFIX_PATH)),)
  unexport PYTHONPATH LD_LIBRARY_PATH COLCON_PREFIX_PATH
endif
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE
override AMENT_PREFIX_PATH := $(abspath $(VENV))
override CMAKE_PREFIX_PATH := $(abspath $(VENV))
override VIRTUAL_ENV := $(abspath $(VENV))
HOST_PATH := $(PATH)
override PATH := $(abspath $(VENV))/bin:$(PATH)
MUJOCO_GL ?= egl
ROS_LOG_DIR ?= $(abspath log/ros)
export ROS_DISTRO AMENT_PREFIX_PATH CMAKE_PREFIX_PATH VIRTUAL_ENV PATH MUJOCO_GL ROS_LOG_DIR

STAMPS := $(VENV)/.stamps
INTERFACES := interfaces/grasp_affordance_interfaces
INTERFACE_FILES := $(wildcard $(INTERFACES)/CMakeLists.txt $(INTERFACES)/package.xml \
  $(INTERFACES)/msg/*.msg $(INTERFACES)/srv/*.srv $(INTERFACES)/action/*.action)
NODE_FILES := $(wildcard grasp_affordance/ros/*/*_node.py)
COLCON_BASES := --build-base build$(SUFFIX) --install-base install$(SUFFIX)

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1|\2/' | \
	  while IFS='|' read -r target text; do printf '%-16s %s\n' "$$target" "$$text"; done

.PHONY: demo
demo: setup ## Watch a robot teach itself to pick (WEIGHTS=shipped|FILE; ARGS=... go to `grasp-affordance demo`)
	@grasp-affordance demo $(if $(WEIGHTS),--weights $(WEIGHTS)) $(ARGS)

.PHONY: test
test: setup ## Run all tests (ARGS='-k words' selects)
	@python -m pytest -n 2 --dist loadfile $(ARGS)

# What reaches OpenCV, NumPy, SciPy, scikit-image, matplotlib, shapely, Flask, YAML and torch.
NOBLE_TESTS := $(addprefix test/,test_geometry.py test_lens.py test_rgbd.py test_sequence.py \
  affordance annotation calibration detection messages commands/test_calibrate.py \
  evaluation/test_reliability.py ros/test_calibration_node.py ros/common/test_config_values.py \
  ros/common/test_conversions.py)
# Two runs of one network differ in the last bit with torch 2.2, which decides between equal scores.
NOBLE_TESTS += --deselect test/detection/test_model.py::test_the_same_frame_gives_the_same_grasps

.PHONY: test-noble
test-noble: ## Run the tests of the libraries with the versions that apt has on Ubuntu 24.04
	@$(MAKE) --no-print-directory ROS_DISTRO=jazzy VENV=$(or $(NOBLE_VENV),.venv-noble) \
	  LOCK=requirements/noble.lock ARGS="$(if $(ARGS),$(ARGS),$(NOBLE_TESTS))" test

.PHONY: check
check: setup ## Check format, lint and types
	@ruff format --check .
	@ruff check .
	@mypy

.PHONY: format
format: setup ## Format the code and mend what ruff can mend
	@ruff format .
	@ruff check --fix .

.PHONY: results
results: setup ## Measure all baselines and write docs/results.md (hours; SEEDS=5 WORKERS=2; goes on where it was)
	@research/benchmarks/baselines.sh

.PHONY: build
build: setup ## Build both packages with colcon
	@colcon build $(COLCON_BASES) \
	  --cmake-args -GNinja -DCMAKE_PROJECT_INCLUDE=$(CURDIR)/tools/wheel_paths.cmake

.PHONY: colcon-test
colcon-test: build ## Run the tests under colcon (ARGS=... go to pytest)
	@colcon test $(COLCON_BASES) --return-code-on-test-failure \
	  --event-handlers console_direct+ --pytest-args -n 2 --dist loadfile $(ARGS)

.PHONY: setup
setup: $(STAMPS)/package ## Make or update the environment; the other targets do this themselves

.PHONY: lock
lock: $(STAMPS)/requirements ## Pin the dependencies of setup.py anew (ARGS=--upgrade for newer versions)
	@for distro in jazzy kilted; do \
	  uv pip compile --quiet setup.py --extra $$distro --extra test --extra check \
	    --python-version 3.12 --python-platform x86_64-manylinux_2_28 --no-emit-index-url \
	    --custom-compile-command "make lock" --output-file requirements/$$distro.lock $(ARGS); \
	done
	@uv pip compile --quiet setup.py requirements/noble.txt --extra jazzy --extra test \
	  --override <(echo 'opencv-python-headless; python_version < "3"') \
	  --python-version 3.12 --python-platform x86_64-manylinux_2_28 --no-emit-index-url \
	  --custom-compile-command "make lock" --output-file requirements/noble.lock $(ARGS)

.PHONY: clean
clean: ## Remove what was built or cached, but not the environment
	@rm -rf build$(SUFFIX) install$(SUFFIX) log .mypy_cache .pytest_cache .ruff_cache *.egg-info
	@find . -path './.venv*' -prune -o -name __pycache__ -type d -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## Remove the environment too
	@rm -rf $(VENV)

$(STAMPS)/requirements: $(LOCK) tools/install_system_packages.sh tools/create_environment.sh
	@export PATH='$(HOST_PATH)'; \
	python=$$(tools/find_python.sh); \
	tools/install_system_packages.sh "$$python"; \
	tools/create_environment.sh $(VENV) $(LOCK) "$$python"
	@mkdir -p $(@D) && touch $@

$(STAMPS)/interfaces: $(STAMPS)/requirements $(INTERFACE_FILES) tools/install_interfaces.sh
	@tools/install_interfaces.sh $(VENV)
	@touch $@

$(STAMPS)/package: $(STAMPS)/interfaces setup.py setup.cfg package.xml $(NODE_FILES) \
    tools/install_package.sh
	@tools/install_package.sh $(VENV)
	@touch $@
