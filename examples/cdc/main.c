/* The thread's application: LD4 toggles every 1000 ms, a serial port over USB sends back what it
 * gets, and a packet that is the single byte 0xAA leads into the bootloader. */
#include "app/sureboot.h"
#include "examples/serial.h"
#include "port/port.h"

SUREBOOT_APPLICATION("cdc", 1, 0, 0, SUREBOOT_NUCLEO_L433RC_P, 0);

/* Moves what the host has sent to what it will get; waits while there is nothing to do. */
static void echo(void)
{
    static uint8_t bytes[256];
    static size_t have, sent;

    port_lock();
    if (sent == have) {
        have = cdc_read(bytes, sizeof bytes);
        sent = 0;
    }
    size_t n = cdc_write(bytes + sent, have - sent);
    sent += n;
    if (n == 0)
        port_wait();
    port_unlock();
}

int main(void)
{
    sureboot_early();
    port_init();
    serial_start("sureboot example: cdc");

    bool led = true;
    uint32_t last = port_ms();
    for (port_led(led);; echo()) {
        serial_work();
        if (port_ms() - last >= 1000) {
            last += 1000;
            port_led(led = !led);
        }
    }
}
