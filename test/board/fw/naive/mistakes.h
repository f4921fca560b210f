/* What the naive bootloader of the museum can do wrong. */
#ifndef TEST_BOARD_FW_NAIVE_MISTAKES_H
#define TEST_BOARD_FW_NAIVE_MISTAKES_H

#define MISTAKE_ADDR 0x10000000u /* SRAM2: one of these */

enum mistake { NONE, NO_VTOR, PRIMASK_SET, FROM_INTERRUPT, TIMER_LEFT_ON, CLOCK_LEFT_ON, WATCHDOG_LEFT_ON };

#endif
