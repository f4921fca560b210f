/* Pins: names, what the board around the chip drives, and what the user does to them. Nucleo-L433RC-P
 * (MB1319, UM2206). */
#include <string.h>

#include "board/internal.h"

#define ROW(p)                                                                                               \
    {                                                                                                        \
        p "0", p "1", p "2", p "3", p "4", p "5", p "6", p "7", p "8", p "9", p "10", p "11", p "12",        \
            p "13", p "14", p "15"                                                                           \
    }
static const char *const names[8][16] = {ROW("PA"), ROW("PB"), ROW("PC"), ROW("PD"),
                                         ROW("PE"), ROW("PF"), ROW("PG"), ROW("PH")};

/* Which of them the STM32L433RCT6P has: LQFP64, where VDD12 takes the places of PC5 and PD2. */
static const uint16_t bonded[8] = {0xFFFF, 0xFFFF, 0xFFDF, 0, 0, 0, 0, 0x000B};

enum { PORT_A = 0, PORT_C = 2, PORT_H = 7 };

const char *board_pin_name(unsigned port, unsigned pin)
{
    return names[port & 7][pin & 15];
}

/* Port (0..4, 7) and pin of "PB13"; false: the chip in this package has no such pin. */
static bool board_pin(const char *name, unsigned *port, unsigned *pin)
{
    for (unsigned i = 0; i < 8; i++)
        for (unsigned j = 0; j < 16; j++)
            if ((bonded[i] >> j & 1) != 0 && strcmp(names[i][j], name) == 0) {
                *port = i;
                *pin = j;
                return true;
            }
    return false;
}

bool vboard_pin_known(const char *pin)
{
    unsigned port, n;
    return board_pin(pin, &port, &n);
}

/* What is soldered to a pin: its level, -1 if nothing drives it. */
static int soldered(const struct vboard *b, unsigned port, unsigned pin)
{
    if (port == PORT_C && pin == 13) /* B1 with its resistor */
        return b->state.b1_pressed != b->b1_active_low;
    if (port == PORT_H && pin == 3) /* BOOT0: pulled down */
        return 0;
    if (port == PORT_A && pin == 3) /* the ST-LINK's transmit line idles high */
        return 1;
    if (port == PORT_A && pin == 6) /* power good of the converter for VDD12 */
        return board_smps_good(b);
    return -1;
}

void board_drive_soldered(struct vboard *b, unsigned port, unsigned pin)
{
    gpio_drive(b->chip, port, pin, soldered(b, port, pin));
}

void board_drive_defaults(struct vboard *b)
{
    for (unsigned port = 0; port < 8; port++)
        for (unsigned pin = 0; pin < 16; pin++)
            if (soldered(b, port, pin) >= 0)
                board_drive_soldered(b, port, pin);
}

int vboard_pin(struct vboard *b, const char *pin)
{
    unsigned port, n;
    if (!board_pin(pin, &port, &n))
        return -1;
    return gpio_level(b->chip, port, n);
}

bool vboard_drive(struct vboard *b, const char *pin, int level)
{
    unsigned port, n;
    if (!board_pin(pin, &port, &n))
        return refuse(
            &b->error,
            "there is no pin %s on this package (PA0-PA15, PB0-PB15, PC0-PC15 without PC5, PH0, PH1, PH3)",
            pin);
    gpio_drive(b->chip, port, n, level < 0 ? soldered(b, port, n) : level != 0);
    return true;
}

bool vboard_wire(struct vboard *b, const char *pin, const char *other)
{
    unsigned port, n, other_port, other_n;
    if (!board_pin(pin, &port, &n) || !board_pin(other, &other_port, &other_n))
        return refuse(&b->error, "there is no pin %s or no pin %s on this package", pin, other);
    if (!chip_wire(b->chip, port, n, other_port, other_n))
        return refuse(&b->error, "no wire from %s to %s: at most %d wires, between different pins", pin,
                      other, CHIP_WIRES);
    return true;
}

bool vboard_adc(struct vboard *b, const char *pin, unsigned millivolt)
{
    unsigned port, n;
    if (!board_pin(pin, &port, &n) || !adc_voltage(b->chip, port, n, millivolt))
        return refuse(&b->error, "pin %s has no analog input (PA0-PA7, PB0-PB4, PB6, PB7, PC0-PC4 have)",
                      pin);
    return true;
}

bool vboard_button(struct vboard *b, bool pressed)
{
    b->state.b1_pressed = pressed;
    gpio_drive(b->chip, PORT_C, 13, soldered(b, PORT_C, 13));
    return true;
}
