# Everything that a fresh Debian 12 with the Swift 6.3 toolchain needs is installed from here: `make demo` and `make test`.

SHELL := /bin/bash
JOBS ?= 2
SWIFT_BUILD := swift build -c release -j $(JOBS)
TEMPER := .build/release/temper

# Debian package: why. README.md has the long form.
PACKAGES := \
	libdnnl-dev \
	libssl-dev \
	zlib1g-dev \
	libarchive-dev \
	libcurl4-openssl-dev \
	libjpeg62-turbo-dev \
	libpng-dev \
	libwebp-dev \
	libsqlite3-dev \
	curl ca-certificates \
	jq \
	python3

.PHONY: backups documents package package-check demo test suites faults kills disks instruction-sets soak browser check-long build run peers recipes fuzz format lint imports packages clean tasks sanitize conformance

demo: build
	deploy/demo.sh $(TEMPER)

# The suites and the faults side by side, each of which leaves half of two cores idle; the kills follow whichever ends first.
test: packages lint imports
	$(SWIFT_BUILD) --build-tests
	$(MAKE) --no-print-directory -j 2 --output-sync=target suites faults kills

suites:
	swift test -c release --skip-build --no-parallel

# The service under faults, from outside: cut off from power, its disk filled, its files damaged. (Killed it is in `soak`.)
faults:
	python3 Tests/Faults/power_loss.py --temper $(TEMPER) --fsck --beside 60
	python3 Tests/Faults/full_disk.py --temper $(TEMPER)
	python3 Tests/Faults/damage.py --temper $(TEMPER)

# Power cut off with more of the writes that may be on the disk beside what was synced.
disks: build
	python3 Tests/Faults/power_loss.py --temper $(TEMPER) --fsck

kills:
	python3 Tests/Faults/soak.py --temper $(TEMPER) --kills 20 --jobs 4 --followers 6

# Two hundred kills over jobs of every method, with forty followers: some minutes.
soak: build
	python3 Tests/Faults/soak.py --temper $(TEMPER) --kills 200 --jobs 33 --followers 40

# The numerical suites with each instruction set that the processor has; `make test` runs them with the best, and a table of kernels with all.
instruction-sets: packages
	$(SWIFT_BUILD) --build-tests
	set -e; for set in sse avx2 avx512 avx512_bf16; do \
	  TEMPER_KERNELS=$$set $(TEMPER) --version >/dev/null || continue; \
	  echo "TEMPER_KERNELS=$$set"; \
	  TEMPER_KERNELS=$$set swift test -c release --skip-build --filter '^(TensorEngine|Models|Attacks)Tests'; \
	done

# Backups while twenty jobs train, end and are deleted, each restored and run to its end: minutes.
backups: build
	python3 Tests/Faults/backups.py --temper $(TEMPER) --backups 4

# The dashboard in a headless Chromium, where there is one, and under load; what it saw is left in .build/browser.
browser: build
	python3 Tests/Browser/dashboard.py --temper $(TEMPER) --screenshots .build/browser
	python3 Tests/Browser/load.py --temper $(TEMPER)

# Every block of commands of the README and of docs/, as a reader would type them: some minutes.
documents: build
	python3 Tests/Documents/run.py --temper $(TEMPER)

# Ten tasks of somebody who is new to this, as they were typed, with what was seen: some minutes.
tasks: build
	python3 Tests/Documents/tasks.py --temper $(TEMPER) --transcripts .build/tasks

# A Debian package and a tar archive of one executable that needs no Swift where it runs, in .build/packages; takes minutes.
package: packages
	$(MAKE) --no-print-directory packages PACKAGES=binutils
	JOBS=$(JOBS) deploy/package/build.sh .build/packages

# The package in a fresh Debian 12 without a toolchain; needs root and a mirror.
package-check: package
	$(MAKE) --no-print-directory packages PACKAGES=debootstrap
	Tests/Package/install.sh .build/packages/temper_*.deb

# What needs time, a quiet machine or PyPI.
check-long: instruction-sets soak disks backups browser documents tasks peers

build: packages
	$(SWIFT_BUILD) --product temper

run: build
	$(TEMPER) serve --data $${TEMPER_DATA:-data}

# The same work in PyTorch, TensorFlow and Temper, and the table of ratios; `WORK=madry,mlp` picks rows.
peers: build
	python3 Tests/Peers/peers.py

# Every recipe that runs here, and what it reaches; `MNIST=FOLDER` names the four IDX files of MNIST, whose recipes take three hours of two cores.
recipes: build
	python3 Tests/Benchmarks/recipes.py --temper $(TEMPER) $(if $(MNIST),--mnist $(MNIST))

# Any bytes at the parsers of requests and forms, the decoders of pictures and the readers of networks and data sets, with libFuzzer and AddressSanitizer: `make fuzz SECONDS=1800`.
fuzz: packages build
	swift package resolve
	Tests/Fuzz/run.sh $(or $(SECONDS),60)

# The tests under ThreadSanitizer (what runs on many threads) and AddressSanitizer (all), in builds of their own: the better part of an hour.
sanitize: packages
	Tests/Sanitizers/run.sh thread
	Tests/Sanitizers/run.sh address

# Other people's conformance tests of HTTP, of which copies are needed: `make conformance H1SPEC=http_test.ts LLHTTP=llhttp/test/request`.
conformance: packages
	$(SWIFT_BUILD) --product EchoServer
	python3 Tests/Peers/conformance.py --echo .build/release/EchoServer $(if $(H1SPEC),--h1spec $(H1SPEC)) $(if $(LLHTTP),--llhttp $(LLHTTP))

format:
	swift format --in-place --recursive Package.swift Sources Tests

lint:
	swift format lint --strict --recursive Package.swift Sources Tests

# Which module may import which: the table of the architecture.
imports:
	.ci/check-imports

# Installs what is missing, with sudo where we are not root.
packages:
	@missing=(); \
	for package in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$$package"); \
	done; \
	if [ "$${#missing[@]}" -gt 0 ]; then \
	  echo "installing Debian packages: $${missing[*]}"; \
	  as_root=(); if [ "$$(id -u)" -ne 0 ]; then as_root=(sudo); fi; \
	  "$${as_root[@]}" apt-get update -qq && \
	  "$${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null; \
	fi

clean:
	rm -rf .build
