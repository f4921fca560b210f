/* Millions of instructions per second of the processor alone: flash and RAM as direct memory, no
 * chip around it. Each kind of work is also run by the host, and the results have to agree. */
#include "../test/board/fw/cpubench/work.h"
#include "cpu/cpu.h"

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
    struct job job = {JOB_MAGIC, which, w->rounds, 0};
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
    return ok ? 0 : 1;
}
