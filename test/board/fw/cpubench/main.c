/* Runs one kind of work for the processor's benchmark (bench/bench_cpu.c), set in the job from outside
 * before reset, leaves the result there and sleeps. */
#include "test/board/fw/cpubench/work.h"

#define REG(addr) (*(volatile uint32_t *)(addr))
#define FLASH_ACR REG(0x40022000u)
#define AHB2ENR   REG(0x4002104Cu)
#define SYST_CSR  REG(0xE000E010u)
#define SYST_RVR  REG(0xE000E014u)
#define MPU_CTRL  REG(0xE000ED94u)
#define MPU_RBAR  REG(0xE000ED9Cu)
#define MPU_RASR  REG(0xE000EDA0u)

void SysTick_Handler(void);
static volatile uint32_t ticks;
void SysTick_Handler(void)
{
    ticks++;
}

static void mpu_region(uint32_t n, uint32_t base, uint32_t log2_size, uint32_t attributes)
{
    MPU_RBAR = base | 0x10u | n;
    MPU_RASR = attributes | (log2_size - 1) << 1 | 1;
}

static void set_up(uint32_t setup)
{
    if (setup & SETUP_WAITS)
        FLASH_ACR = 0x704;
    if (setup & SETUP_UNCACHED)
        FLASH_ACR &= 7u;
    if (setup & SETUP_MPU) {
        mpu_region(0, 0x08000000, 18, 6u << 24);            /* flash: read and execute */
        mpu_region(1, 0x20000000, 16, 1u << 28 | 3u << 24); /* SRAM: no code */
        mpu_region(2, 0x2000C000, 5, 1u << 28);             /* the guard: nothing */
        mpu_region(3, 0x40000000, 29, 1u << 28 | 3u << 24); /* peripherals */
        MPU_CTRL = 5;
        __asm volatile("dsb\n\tisb");
    }
    if (setup & SETUP_TICK) {
        SYST_RVR = 1999;
        SYST_CSR = 7;
    }
    if (setup & SETUP_GPIO) {
        AHB2ENR |= 4;
        polled = &REG(0x48000810u);
    }
}

int main(void)
{
    volatile struct job *job = (volatile struct job *)JOB_ADDR;
    if (job->magic == JOB_MAGIC) {
        set_up(job->setup);
        job->result = do_work(job->which, job->rounds);
        job->magic = 0;
    }
    for (;;)
        __asm volatile("wfi");
}
