/* The thread's application: LD4 toggles every 1000 ms, a serial port over USB sends back what it
 * gets, and a packet that is the single byte 0xAA leads into the bootloader. B1 wakes a PC that sleeps. */
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

/* Resume signalling is for a bus that has been idle for 5 ms at least, and lasts 1 to 15 ms (USB 2.0 7.1.7.7,
 * RM0394 "Suspend/Resume events"). */
static void wake_host(void)
{
    enum { IDLE_MS = 5, RESUME_MS = 5 };
    static uint32_t busy, began; /* when the bus was last seen awake or signalled to, and signalling began */
    static bool signalling;
    uint32_t now = port_ms();

    port_lock();
    if (!usbd_suspended())
        busy = now;
    if (signalling && now - began >= RESUME_MS) {
        signalling = false;
        busy = now;
        usbd_remote_wake(false);
    } else if (!signalling && now - busy >= IDLE_MS && port_button()) {
        signalling = usbd_remote_wake(true);
        began = now;
    }
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
        wake_host();
        if (port_ms() - last >= 1000) {
            last += 1000;
            port_led(led = !led);
        }
    }
}
