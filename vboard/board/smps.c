/* The step-down converter of the Nucleo-L433RC-P (MB1319, UM2206 "External SMPS"): firmware enables it at
 * PA4, sees at PA6 that its output is good, and then closes the switch to VDD12 with PA7. */
#include "board/internal.h"

enum { PORT_A = 0, ENABLE = 4, GOOD = 6, SWITCH = 7 };

/* From EN to a good output: start-up delay and soft start of an ADP5301 (its data sheet, typical). */
#define STARTUP (2350 * PS_PER_US)

static void supply(struct vboard *b)
{
    chip_vdd12(b->chip, b->state.smps_good && b->state.smps_switch);
}

static void set_good(struct vboard *b, bool good)
{
    b->state.smps_good = good;
    board_drive_soldered(b, PORT_A, GOOD);
    supply(b);
}

static void started(void *arg)
{
    set_good(arg, true);
}

int board_smps_good(const struct vboard *b)
{
    return b->state.smps_good ? -1 : 0; /* open drain: the pull-up is the chip's */
}

void board_smps_pin(struct vboard *b, unsigned port, unsigned pin, bool level)
{
    if (port != PORT_A)
        return;
    if (pin == SWITCH) {
        b->state.smps_switch = level;
        supply(b);
    } else if (pin == ENABLE) {
        chip_outside_wake(b->chip, OUTSIDE_SMPS, level ? chip_now(b->chip) + STARTUP : PS_NEVER, started, b);
        if (!level && b->state.smps_good)
            set_good(b, false);
    }
}
