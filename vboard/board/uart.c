/* Bytes from the outside to the board's serial ports: each line sends one frame after the other, in the
 * bit rate and format of its receiver. */
#include <string.h>

#include "board/internal.h"

enum { VCP = 0 };

static const struct {
    const char *name;
    enum block_id block; /* of VCP: whoever listens at PA3 */
} lines[BOARD_UARTS] = {{"VCP", B_USART2},
                        {"USART1", B_USART1},
                        {"USART2", B_USART2},
                        {"USART3", B_USART3},
                        {"LPUART1", B_LPUART1}};

static int find(const char *name)
{
    for (int i = 0; i < BOARD_UARTS; i++)
        if (strcmp(lines[i].name, name) == 0)
            return i;
    return -1;
}

bool vboard_uart_known(const char *name)
{
    return find(name) >= 0;
}

/* PA3 is the ST-LINK's transmit line: AF7 is USART2_RX, AF8 LPUART1_RX (DS11449, UM2206). */
static ps_t send_byte(struct vboard *b, unsigned line, uint8_t byte)
{
    unsigned port = 0, pin = 3;
    int af = gpio_af(b->chip, 0, 3);
    ps_t lasts = 0;
    if (line != VCP) {
        lasts = usart_receive(b->chip, lines[line].block, byte);
        usart_receive_pin(b->chip, lines[line].block, &port, &pin);
    } else if (af == 7 || af == 8) {
        lasts = usart_receive(b->chip, af == 7 ? B_USART2 : B_LPUART1, byte);
    }
    return lasts != 0 ? lasts : usart_unheard(b->chip, port, pin, byte);
}

/* The frames that are due begin; the next is at the end of the one before. */
static void send_due(void *arg)
{
    struct vboard *b = arg;
    ps_t now = chip_now(b->chip), next = PS_NEVER;
    for (unsigned i = 0; i < BOARD_UARTS; i++) {
        struct board_uart *u = &b->state.uarts[i];
        if (u->size > 0 && u->due <= now) {
            u->due = now + send_byte(b, i, u->bytes[0]);
            memmove(u->bytes, u->bytes + 1, --u->size);
        }
        if (u->size > 0 && u->due < next)
            next = u->due;
    }
    chip_outside_wake(b->chip, OUTSIDE_UART, next, send_due, b);
}

size_t vboard_uart_waiting(const struct vboard *b, const char *name)
{
    int i = find(name);
    return i < 0 ? 0 : b->state.uarts[i].size;
}

bool vboard_uart_send(struct vboard *b, const char *name, const void *bytes, size_t size)
{
    int i = find(name);
    if (i < 0)
        return refuse(&b->error, "there is no serial port '%s'", name);
    if (!vboard_powered(b))
        return refuse(&b->error, "%s: the power is off", name);
    struct board_uart *u = &b->state.uarts[i];
    if (size > sizeof u->bytes - u->size)
        return refuse(&b->error, "%s: more than %zu bytes would wait to be sent", name, sizeof u->bytes);
    memcpy(u->bytes + u->size, bytes, size);
    u->size += size;
    ps_t now = chip_now(b->chip);
    if (u->due < now)
        u->due = now;
    /* at its own time, never inside this call: the caller may be a listener */
    chip_outside_wake(b->chip, OUTSIDE_UART, now, send_due, b);
    return true;
}

void board_forget_uarts(struct vboard *b)
{
    for (unsigned i = 0; i < BOARD_UARTS; i++)
        b->state.uarts[i].size = 0;
    chip_outside_wake(b->chip, OUTSIDE_UART, PS_NEVER, send_due, b);
}
