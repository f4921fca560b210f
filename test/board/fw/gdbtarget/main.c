/* Something to debug behind the bootloader, for the tests of vboard's gdb server: a loop that counts, a
 * tick, floating point, and what goes wrong when `order` says so. */
#include "port/stm32l433/irq.h"
#include "port/stm32l433/regs.h"

enum { COUNT, FAULT, BREAK, SLEEP, CALL, LOCKUP, PRINT };

volatile uint32_t order, counter, watched, ticks, wakes, dhcsr, calls;
volatile float ratio;

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    ticks++;
}

void SVC_Handler(void);
void SVC_Handler(void)
{
    calls++;
}

/* Not a lock-up: the tests let the board go after a fault. */
void HardFault_Handler(void);
void HardFault_Handler(void)
{
    for (;;)
        ;
}

int twice(int n);
__attribute__((noinline)) int twice(int n)
{
    return 2 * n;
}

__attribute__((noinline)) static void work(void)
{
    counter++;
    watched = counter / 16; /* changes at every sixteenth round */
    ratio = (float)counter * 0.25f;
    dhcsr = CoreDebug->DHCSR;
}

__attribute__((noinline)) static void go_wrong(void)
{
    *(volatile uint32_t *)0x60000000 = 1; /* nothing is there */
    __DSB();
}

__attribute__((noinline)) static void doze(void)
{
    __WFI();
    wakes++;
}

__attribute__((noinline)) static void ask(void)
{
    __ASM volatile("svc 0");
}

/* As newlib's rdimon does it: open the console, write, ask whether it is one. */
static uint32_t semihosting(uint32_t operation, const void *params)
{
    register uint32_t r0 __ASM("r0") = operation;
    register const void *r1 __ASM("r1") = params;
    __ASM volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

volatile uint32_t handle, unwritten, is_tty, no_file;

__attribute__((noinline)) static void print(void)
{
    const struct {
        const char *name;
        uint32_t mode, length;
    } console = {":tt", 4, 3}, file = {"a.txt", 4, 5};
    const struct {
        uint32_t handle;
        const char *text;
        uint32_t length;
    } hello = {2, "hello, gdb\n", 11};
    handle = semihosting(1, &console);
    unwritten = semihosting(5, &hello);
    is_tty = semihosting(9, &hello);
    no_file = semihosting(1, &file);
    (void)semihosting(4, "by WRITE0\n");
}

int main(void)
{
    SCB->CPACR |= 0xFul << 20;
    __DSB();
    __ISB();
    (void)SysTick_Config(4000);
    for (;;) {
        uint32_t what = order;
        if (what != COUNT) /* gdb may set another at any instruction */
            order = COUNT;
        switch (what) {
        case FAULT: go_wrong(); break;
        case BREAK: __BKPT(7); break;
        case SLEEP: doze(); break;
        case CALL: ask(); break;
        case PRINT: print(); break;
        case LOCKUP:
            __disable_fault_irq();
            go_wrong();
            __ASM volatile("udf 1");
            break;
        default: work(); break;
        }
        counter = (uint32_t)twice((int)counter) / 2;
    }
}
