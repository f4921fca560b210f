/* Millions of instructions per second: of the processor alone, with flash and RAM as direct memory, and
 * as part of the chip in its usual circumstances. Each kind of work is also run by the host, and the
 * results have to agree. */
#include "../test/board/fw/cpubench/work.h"
#include "board.h"
#include "chip/machine.h"
#include "cpu/cpu.h"
#include "vboard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FLASH = 0x08000000, RAM = 0x20000000, FLASH_SIZE = 256 << 10, RAM_SIZE = 64 << 10 };

static uint8_t flash[FLASH_SIZE], ram[RAM_SIZE];

/* The type is that of cpu_env.read. NOLINTNEXTLINE(readability-non-const-parameter) */
static bool no_read(void *owner, uint32_t addr, unsigned size, bool privileged, uint32_t *value)
{
    (void)owner, (void)addr, (void)size, (void)privileged, (void)value;
    return false;
}
static bool no_write(void *owner, uint32_t addr, unsigned size, bool privileged, uint32_t value)
{
    (void)owner, (void)addr, (void)size, (void)privileged, (void)value;
    return false;
}
static uint64_t lines;
static bool fetch_line(void *owner, uint32_t addr)
{
    (void)owner, (void)addr;
    lines++;
    return true;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct work {
    const char *name;
    uint32_t rounds;
};

/* Runs one kind of work; MIPS, or 0 if the result is wrong. */
static double measure(const struct work *w, uint32_t which, bool gated, uint64_t *cycles,
                      uint64_t *instructions)
{
    static const struct cpu_env env = {.read = no_read, .write = no_write, .fetch = fetch_line};
    struct cpu *cpu = calloc(1, cpu_sizeof());
    if (cpu == NULL)
        return 0;
    cpu_init(cpu, &env, NULL);
    cpu_map(cpu, 0, (struct cpu_region){0, FLASH_SIZE, flash, true, false, true});
    cpu_map(cpu, 1, (struct cpu_region){FLASH, FLASH_SIZE, flash, true, false, true});
    cpu_map(cpu, 2, (struct cpu_region){RAM, RAM_SIZE, ram, true, true, false});
    memset(ram, 0, sizeof ram);
    struct job job = {JOB_MAGIC, which, w->rounds, 0, 0};
    memcpy(ram + (JOB_ADDR - RAM), &job, sizeof job);
    cpu_reset(cpu);
    cpu_set_fetch_gate(cpu, gated);
    double t = seconds();
    enum cpu_exit why = cpu_run(cpu, UINT64_MAX);
    t = seconds() - t;
    *cycles = cpu_cycles(cpu);
    *instructions = cpu_instructions(cpu);
    memcpy(&job, ram + (JOB_ADDR - RAM), sizeof job);
    cpu_destroy(cpu);
    free(cpu);
    if (why == CPU_SLEEPING && job.result == do_work(which, w->rounds))
        return (double)*instructions / t * 1e-6;
    fprintf(stderr, "bench_cpu: %s: exit %d, result %08x\n", w->name, (int)why, (unsigned)job.result);
    return 0;
}

/* ---- on the chip ---- */

static bool finished(void *arg)
{
    return vboard_peek32(arg, JOB_ADDR) == 0;
}

/* The same on the whole virtual Nucleo, behind its buses, caches and clocks. */
static double on_chip(const struct work *w, uint32_t which, uint32_t setup, uint64_t *cycles,
                      uint64_t *instructions)
{
    double mips = 0;
    struct vboard *b = vboard_create(&(struct vboard_config){.seed = 1});
    if (b == NULL)
        return 0;
    if (vboard_load_file(b, "build/test/fw/cpubench.elf", VBOARD_NO_ADDR)) {
        struct job job = {JOB_MAGIC, which, w->rounds, setup, 0};
        vboard_power(b, true, true);
        vboard_poke(b, JOB_ADDR, &job, sizeof job);
        double t = seconds();
        enum vboard_stop stop = vboard_run(b, 600000000000, finished, b);
        t = seconds() - t;
        *cycles = vboard_cycles(b);
        *instructions = cpu_instructions(chip_cpu(board_chip(b)));
        vboard_peek(b, JOB_ADDR, &job, sizeof job);
        if (stop == VB_CONDITION && job.result == do_work(which, w->rounds))
            mips = (double)*instructions / t * 1e-6;
        else
            fprintf(stderr, "bench_cpu: %s on the chip: stop %d, result %08x\n", w->name, (int)stop,
                    (unsigned)job.result);
    }
    vboard_destroy(b);
    return mips;
}

static bool table_of_chip(const struct work *works, unsigned n)
{
    static const struct {
        const char *name;
        uint32_t setup;
    } columns[] = {{"reset", 0},
                   {"4 WS", SETUP_WAITS},
                   {"no cache", SETUP_WAITS | SETUP_UNCACHED},
                   {"MPU", SETUP_WAITS | SETUP_MPU},
                   {"tick", SETUP_WAITS | SETUP_TICK}};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    bool ok = true;
    uint64_t cycles, instructions;
    printf("\n%-16s", "chip, MIPS");
    for (unsigned k = 0; k < COLUMNS; k++)
        printf(" %9s", columns[k].name);
    putchar('\n');
    for (unsigned i = 0; i <= n; i++) {
        struct work w = i < n ? works[i] : (struct work){"polling GPIO", 3000};
        printf("%-16s", w.name);
        for (unsigned k = 0; k < COLUMNS; k++) {
            uint32_t setup = columns[k].setup | (i < n ? 0 : SETUP_GPIO);
            double mips = on_chip(&w, i < n ? i : WORK_POLL, setup, &cycles, &instructions);
            printf(" %9.0f", mips);
            ok = ok && mips > 0;
        }
        putchar('\n');
    }
    return ok;
}

int main(void)
{
    static const struct work works[] = {{"CRC-32, table", 1000},
                                        {"memcpy", 2500},
                                        {"SHA-256", 4000},
                                        {"polling", 12000},
                                        {"float matrix", 600}};
    bool ok = true;
    FILE *f = fopen("build/test/fw/cpubench.bin", "rb");
    if (f == NULL || fread(flash, 1, sizeof flash, f) == 0) {
        fputs("bench_cpu: cannot read build/test/fw/cpubench.bin\n", stderr);
        return 1;
    }
    fclose(f);
    printf("%-16s %12s %12s %8s %12s\n", "processor alone", "Mcycles", "M instr.", "MIPS", "gated MIPS");
    for (unsigned i = 0; i < sizeof works / sizeof *works; i++) {
        uint64_t cycles = 0, instructions = 0;
        double plain = measure(&works[i], i, false, &cycles, &instructions);
        double gated = measure(&works[i], i, true, &cycles, &instructions);
        printf("%-16s %12.1f %12.1f %8.0f %12.0f\n", works[i].name, (double)cycles * 1e-6,
               (double)instructions * 1e-6, plain, gated);
        ok = ok && plain > 0 && gated > 0;
    }
    ok = table_of_chip(works, sizeof works / sizeof *works) && ok;
    return ok ? 0 : 1;
}
