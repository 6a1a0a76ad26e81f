# SPDX-License-Identifier: GPL-2.0
# What a person calls. The kernel's build reads Kbuild and never sees this file.

B := build
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/raftlog
KBUILD ?= /lib/modules/$(shell uname -r)/build
SECONDS ?= 60
HOURS ?= 8
W ?= 1

# Compiled in a copy, so that the tree stays clean and one kernel's objects are
# never taken for another's.
sources = Kbuild kmod kunit uapi

help:
	@echo 'make demo          the story on three virtual machines, in a minute'
	@echo 'make shell         three virtual machines, and a prompt'
	@echo 'make test          every test; ends with "N passed, N failed"'
	@echo
	@echo 'make               raftlog.ko for the running kernel, and raftctl'
	@echo 'make install       both, and what belongs to them (DESTDIR=, PREFIX=)'
	@echo
	@echo 'make unit          user space tests, under sanitizers'
	@echo 'make sim           the simulator, build/sim/raftlog-sim'
	@echo 'make mutants       planted bugs that the tests must find'
	@echo 'make kernel-mutants  those in the rest of the module, for guests to find'
	@echo 'make crash         recovery of what power cuts can leave of a log'
	@echo 'make explore       exhaustive search of the states of the core'
	@echo 'make kunit         the KUnit suites on User Mode Linux'
	@echo 'make fuzz          the fuzzers, each for SECONDS=60'
	@echo 'make check         static checks'
	@echo 'make cluster-test  tests on real guests (TESTS="name ...")'
	@echo 'make debug-test    the same on kernels with KASAN and others, and with KCSAN'
	@echo 'make soak HOURS=h  all of it with new seeds, for as long as that'
	@echo 'make bench         throughput and latency on three guests'
	@echo 'make coverage      line coverage of the pure parts by make unit'
	@echo 'make clean'

all: module raftctl
.DEFAULT_GOAL := all

module:
	@mkdir -p $(B)/host
	@rsync -rlt --delete-missing-args $(sources) $(B)/host/
	$(MAKE) -j$(shell nproc) -C $(KBUILD) M=$(CURDIR)/$(B)/host modules
	@cp $(B)/host/raftlog.ko $(B)/raftlog-host.ko

raftctl:
	@mkdir -p $(B)
	$(MAKE) -s -C userspace/raftctl O=$(CURDIR)/$(B) STATIC=1

deps:
	@scripts/deps

# For the guests: Debian's kernel whose headers are installed.
guest-module: deps
	@mkdir -p $(B)/guest
	@rsync -rlt $(sources) $(B)/guest/
	@eval "$$(scripts/guest-kernel)" && \
		$(MAKE) -s -j$(shell nproc) -C "$$KBUILD" M=$(CURDIR)/$(B)/guest W=$(W) modules
	@cp $(B)/guest/raftlog.ko $(B)/raftlog.ko
	@cp $(B)/guest/kmod/sample/raftlog_sample.ko $(B)/raftlog_sample.ko

cluster-programs: guest-module raftctl
	@$(MAKE) -s -C userspace/cluster O=$(CURDIR)/$(B)/cluster

sim:
	@$(MAKE) -s -j$(shell nproc) -C userspace/sim O=$(CURDIR)/$(B)/sim

demo: cluster-programs
	@scripts/demo

shell: cluster-programs
	@scripts/shell

bench: cluster-programs
	@scripts/bench

cluster-test: cluster-programs
	@scripts/cluster-test $(TESTS)

# Like guest-module, for the kernels that scripts/debug-kernel builds. Those take minutes:
# what is changed meanwhile must be newer than what is built.
debug-module-%: deps
	@mkdir -p $(B)/$*
	@eval "$$(scripts/debug-kernel $*)" && \
		rsync -rlt $(sources) $(B)/$*/ && \
		$(MAKE) -s -j$(shell nproc) -C "$$KBUILD" M=$(CURDIR)/$(B)/$* W=$(W) \
			RAFTLOG_FAILPOINTS=y modules
	@cp $(B)/$*/raftlog.ko $(B)/raftlog-$*.ko
	@cp $(B)/$*/kmod/sample/raftlog_sample.ko $(B)/raftlog_sample-$*.ko
	@cp $(B)/$*/raftlog_kunit.ko $(B)/raftlog_kunit-$*.ko

debug-test: cluster-programs debug-module-kasan debug-module-kcsan
	@scripts/cluster-test --kernel kasan $(TESTS)
	@scripts/cluster-test --kernel kcsan $(TESTS)

unit: deps
	@$(MAKE) -s -j$(shell nproc) -C userspace unit O=$(CURDIR)/$(B)

coverage: deps
	@$(MAKE) -s -C userspace coverage O=$(CURDIR)/$(B)

mutants: deps
	@userspace/mutants/run

kernel-mutants: cluster-programs debug-module-kasan
	@scripts/mutants/run $(TESTS)

explore: deps
	@userspace/explore/test

crash: deps
	@userspace/crash/test

kunit: deps
	@scripts/kunit

fuzz: deps
	@scripts/fuzz $(SECONDS)

check: deps
	@scripts/check

test: deps
	@scripts/run-tests

soak: deps cluster-programs debug-module-kasan debug-module-kcsan sim
	@$(MAKE) -s -C userspace/explore O=$(CURDIR)/$(B)/explore
	@$(MAKE) -s -C userspace/crash O=$(CURDIR)/$(B)/crash
	@scripts/soak --hours $(HOURS)

install: all
	install -D -m 644 $(B)/raftlog-host.ko \
		$(DESTDIR)/lib/modules/$(shell uname -r)/updates/raftlog.ko
	$(MAKE) -s -C userspace/raftctl O=$(CURDIR)/$(B) STATIC=1 install
	install -D -m 644 uapi/linux/raftlog.h \
		$(DESTDIR)/usr/include/linux/raftlog.h
	install -D -m 644 kmod/include/linux/raftlog_client.h \
		$(DESTDIR)/usr/src/raftlog/include/linux/raftlog_client.h
	[ -n "$(DESTDIR)" ] || depmod

clean:
	rm -rf $(B)

.PHONY: help all module raftctl deps guest-module cluster-programs sim demo \
	shell bench cluster-test debug-test unit coverage mutants kernel-mutants crash explore kunit fuzz \
	check test soak install clean
