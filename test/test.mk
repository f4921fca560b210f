# Tests. Every test program prints TAP; test/run adds them up.
#   test/unit/test_*.c   no board: links the libraries        (cmocka)
#   test/board/test_*.c  firmware on the virtual board         (cmocka, vboard.h)
#   test/board/museum/   mistakes that others make, docs/museum.md: the same
#   test/board/test_*.sh the same with programs of others      (TAP from shell)
#   test/kit/test_*.sh   projects of others with the kit       (TAP from shell)
#   test/web/test_*.js   the page without a browser            (TAP from node)
#   test/host/test_*.sh  a real Linux USB host in a guest      (TAP from shell)
#   test/fuzz/fuzz_*.c   hostile files, accesses to registers   (libFuzzer)
#   test/mutants/*.list  what they test, broken on purpose      (TAP from shell)
#   test/lint/*.sh       format, static analysis               (TAP from shell)
TEST_LIBS := -lcmocka -lcjson
UNIT_TESTS := $(patsubst test/unit/%.c,$(B)/test/unit/%,$(wildcard test/unit/test_*.c))
BOARD_TESTS := $(patsubst test/board/%.c,$(B)/test/board/%,$(wildcard test/board/test_*.c test/board/museum/test_*.c))
BOARD_SCRIPTS := $(wildcard test/board/test_*.sh)
KIT_TESTS := $(wildcard test/kit/test_*.sh)
WEB_TESTS := $(wildcard test/web/test_*.js)
# The longest first, or it would run alone at the end.
HOST_TESTS := test/host/test_page.sh $(filter-out %/test_page.sh,$(wildcard test/host/test_*.sh))
LINT_TESTS := $(wildcard test/lint/*.sh)

# What several tests share: test/support/*.c. A library, so that each test gets only what it uses.
SUPPORT_OBJ := $(patsubst %.c,$(B)/obj/host/%.o,$(wildcard test/support/*.c))
SUPPORT_LIB := $(B)/test/libsupport.a
$(SUPPORT_LIB): $(SUPPORT_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

$(B)/test/%: $(B)/obj/host/test/%.o $(SUPPORT_LIB) $(TOOLS_LIB) $(VBOARD_LIB) $(BOOT_CORE_LIB)
	@mkdir -p $(@D)
	$(CC) $(HOST_LDFLAGS) $^ $(HOST_LIBS) $(TEST_LIBS) $(TEST_LIBS_$(@F)) -o $@

$(B)/obj/host/test/%.o: HOST_CPPFLAGS += -Itest/support -Itest -Itools
# libunicorn has functions of its own called cpu_reset and cpu_stop: ours stay hidden from it.
TEST_LIBS_test_cpu_oracle := -lunicorn -Wl,--exclude-libs,ALL

# Fuzz targets are built from their sources, all of them instrumented.
FUZZ_TESTS := $(addprefix $(B)/test/fuzz/,fuzz_image fuzz_chip)
FUZZ_IMAGE_SRC := $(wildcard vboard/board/image*.c) $(addprefix vboard/board/,parse.c sentence.c) \
    $(addprefix tools/,examine.c cures.c factory.c linked.c vtor.c) boot/core/image.c test/fuzz/fuzz_image.c
FUZZ_CHIP_SRC := $(wildcard vboard/chip/*.c vboard/cpu/*.c) test/support/reset_values.c test/fuzz/fuzz_chip.c
$(B)/test/fuzz/fuzz_image: $(FUZZ_IMAGE_SRC:%.c=$(B)/obj/fuzz/%.o)
$(B)/test/fuzz/fuzz_chip: $(FUZZ_CHIP_SRC:%.c=$(B)/obj/fuzz/%.o)
FUZZ_CC := clang $(HOST_CPPFLAGS) -I. -Itools -Itest/support -std=c11 -g -fsanitize=fuzzer,address,undefined \
    -fno-sanitize-recover=undefined
$(FUZZ_TESTS):
	@mkdir -p $(@D)
	$(FUZZ_CC) $^ -lelf -ldw -lm -o $@
$(B)/obj/fuzz/%.o: FUZZ_OPT := -O1
$(B)/obj/fuzz/vboard/cpu/run.o: FUZZ_OPT := -O0 # clang would optimise the checked interpreter for minutes
$(B)/obj/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_OPT) -MMD -MP -c $< -o $@
-include $(FUZZ_IMAGE_SRC:%.c=$(B)/obj/fuzz/%.d) $(FUZZ_CHIP_SRC:%.c=$(B)/obj/fuzz/%.d)

# Programs that run inside the guest of the host tests: test/host/*.c. Nothing of test/support: its libusb is
# made up, theirs is not.
HOST_PROGRAMS := $(patsubst test/host/%.c,$(B)/test/host/%,$(wildcard test/host/*.c))
$(HOST_PROGRAMS): $(B)/test/host/%: $(B)/obj/host/test/host/%.o
	@mkdir -p $(@D)
	$(CC) $^ -lusb-1.0 -o $@

tests: $(UNIT_TESTS) $(BOARD_TESTS) $(HOST_PROGRAMS) $(FUZZ_TESTS)

QUICK_SUITES := unit=$(UNIT_TESTS) board=$(BOARD_TESTS) $(BOARD_SCRIPTS) kit=$(KIT_TESTS) web=$(WEB_TESTS)
do-check-quick: export SUREBOOT_QUICK := 1
do-check-long: export SUREBOOT_LONG := 1
do-check do-check-long: all tests
	@test/run lint=$(LINT_TESTS) $(QUICK_SUITES) fuzz=test/fuzz/run mutants=test/mutants/run host=$(HOST_TESTS)
do-check-quick: all tests
	@test/run $(QUICK_SUITES)
do-bench: all $(patsubst bench/%.c,$(B)/bench/%,$(wildcard bench/bench_*.c))
	@for b in $(filter $(B)/bench/%,$^); do $$b || exit 1; done
$(B)/bench/%: $(B)/obj/host/bench/%.o $(VBOARD_LIB) $(BOOT_CORE_LIB)
	@mkdir -p $(@D)
	$(CC) $(HOST_LDFLAGS) $^ $(HOST_LIBS) -o $@
do-demo: all
	@test/host/demo.sh

.PHONY: tests do-check do-check-quick do-check-long do-bench do-demo
.SECONDARY:
