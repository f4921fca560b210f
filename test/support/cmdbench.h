/* test/board/fw/cmdbench, the firmware of the tests of the vboard command: what it does depends on a
 * word that is loaded beside it. */
#ifndef TEST_SUPPORT_CMDBENCH_H
#define TEST_SUPPORT_CMDBENCH_H

#include <cjson/cJSON.h>
#include <stdint.h>

#define VBOARD    "build/host/vboard"
#define BENCH     "build/test/fw/cmdbench"
#define BENCH_ELF "build/test/fw/cmdbench.elf"

/* The table at the end of cmdbench.c. */
enum {
    BLINK,
    UNDEFINED,
    UNMAPPED,
    NOTHING,
    WATCHDOG,
    PROGRAM,
    ECHO,
    INPUTS,
    BACKUP,
    SPIN,
    MISSING,
    PWM,
    ADC,
    SWO,
    OWN_SWO,
    SWO_WAITS,
    SEMIHOSTING,
    ASSEMBLY
};

#define MODE_ADDR    0x08030000U
#define MISSING_ADDR 0xE0041010U /* what MISSING touches */

/* "FILE@0x08030000", a file of temp() that holds the number. Stays until the next call. */
const char *bench_mode(uint32_t number);
/* Runs cmdbench with more options, NULL behind the last; fails the test if the exit status is another.
 * Returns the events, checked to begin with power and to end with the end; *err: standard error, unless
 * NULL. */
cJSON *bench_run(uint32_t number, int status, char **err, const char *const more[]);
#define RUN(number, status, err, ...) bench_run(number, status, err, (const char *const[]){__VA_ARGS__, NULL})

#endif
