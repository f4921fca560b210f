/* Into ST's ROM bootloader by the byte 0xAA on the serial port, as the thread's application tried it: from
 * the USB interrupt, with clocks, timers and USB running. LD4 toggles every 1000 ms meanwhile.
 *
 * Built twice: rom-entry has the flash to itself, rom-entry-slot lives behind sureboot. */
#include "app/sureboot.h"
#include "examples/serial.h"
#include "port/port.h"

SUREBOOT_APPLICATION("rom-entry", 1, 0, 0, SUREBOOT_NUCLEO_L433RC_P, 0);

bool cdc_on_packet(const uint8_t *packet, uint16_t size)
{
    if (size == 1 && packet[0] == 0xAA)
        sureboot_enter_rom(); /* token and reset: there is nothing to stop or to undo before */
    return true;
}

int main(void)
{
    sureboot_early(); /* with no sureboot in flash, what goes on into the ROM after that reset */
    port_init();
    serial_start("sureboot example: rom-entry");

    bool led = true;
    uint32_t last = port_ms();
    for (port_led(led);; port_wait()) {
        serial_work();
        if (port_ms() - last >= 1000) {
            last += 1000;
            port_led(led = !led);
        }
    }
}
