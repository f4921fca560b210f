/* Bytes from the outside to the board's serial ports, one frame after the other. */
#include <string.h>

#include "board/internal.h"

static const char *const names[] = {"VCP", "USART1", "USART2", "USART3", "LPUART1"};

bool vboard_uart_known(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

bool vboard_uart_send(struct vboard *b, const char *name, const void *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    return refuse(&b->error, "%s: the serial ports are not modelled yet", name);
}

bool vboard_adc(struct vboard *b, const char *pin, unsigned millivolt)
{
    (void)millivolt;
    return refuse(&b->error, "%s: ADC1 is not modelled yet", pin);
}
