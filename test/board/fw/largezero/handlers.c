/* Handlers as CubeMX writes them, one each, behind 20 KB of something else. */

#define HANDLER(name)                                                                                        \
    void name(void);                                                                                         \
    __attribute__((no_icf, noinline)) void name(void)                                                        \
    {                                                                                                        \
        for (;;) {                                                                                           \
        }                                                                                                    \
    }

HANDLER(NMI_Handler)
HANDLER(HardFault_Handler)
HANDLER(MemManage_Handler)
HANDLER(BusFault_Handler)
HANDLER(UsageFault_Handler)

/* UDF, in a section that comes before all code and is not dropped. */
__asm__(".section .sureboot_info, \"a\"\n.fill 0x5000, 1, 0xDE\n.text\n");
