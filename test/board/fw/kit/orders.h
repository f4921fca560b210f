/* What the firmware `kit` is told to do, and in which context: shared with its tests. */
#ifndef TEST_KIT_ORDERS_H
#define TEST_KIT_ORDERS_H

enum what {
    NOTHING,
    DFU,
    ROM,
    CONFIRM,
    DFU_IN,
    BAD_ACCESS,
    UNDEFINED,
    OVERFLOW,
    HANG,
    CLEAR,
    REPORT,
    STANDBY,
    ROM_IN
};
enum where {
    WAITING,
    MAIN,
    INTERRUPT,
    NESTED,       /* an interrupt that interrupted another */
    PSP,          /* a task on the process stack */
    UNPRIVILEGED, /* the same without privileges */
    PRIMASK,
    BASEPRI,
    FAULTMASK,
    DMA,                /* memory to memory, on and on */
    FPU_CONTEXT,        /* an interrupt with lazy floating-point state pending */
    WATCHDOG,           /* IWDG of 100 ms running and nobody to feed it */
    FAST,               /* 80 MHz */
    TICK,               /* SysTick */
    OPEN_BACKUP,        /* by an application that keeps the backup domain open */
    FLASH_OPEN,         /* while flash is unlocked */
    WHERES = FLASH_OPEN /* in those before, all ways into a bootloader are tried */
};

#endif
