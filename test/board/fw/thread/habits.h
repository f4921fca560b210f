/* What the bootloader of the thread can do otherwise. */
#ifndef TEST_BOARD_FW_THREAD_HABITS_H
#define TEST_BOARD_FW_THREAD_HABITS_H

#define HABITS_ADDR 0x10000000u /* SRAM2: some of these */

enum habit {
    JUMPS_LATE = 1,    /* after HAL_Init, clocks, GPIO and USB, as in the thread's first post; else before */
    OTHER_MASK = 2,    /* & 0x2FFE0000 instead of & 0x2FFC0000 */
    DROPS_REST = 4,    /* programs length / 8 double words */
    LOCKED_BACKUP = 8, /* clears its flag without HAL_PWR_EnableBkUpAccess() */
    FLAG_LATER = 16,   /* looks at the flag after the jump, as a reply proposes */
};

#endif
