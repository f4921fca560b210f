/* An application that comes on USB four seconds after its start, as one that waits for a slow crystal. */
#include "app/sureboot.h"
#include "examples/serial.h"
#include "port/port.h"

SUREBOOT_APPLICATION("lateusb", 1, 0, 0, SUREBOOT_BOARD_ANY, 0);

int main(void)
{
    sureboot_early();
    port_init();
    while (port_ms() < 4000)
        port_wait(); /* which a busy PC emulates in time */
    serial_start("late");
    for (;;)
        serial_work();
}
