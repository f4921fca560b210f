/* The main loop of DFU: USB and flash work in their interrupts, the rest is the LED and the way out. */
#include "boot/core/led.h"
#include "boot/device.h"
#include "port/port.h"

enum { OFF_BUS_MS = 25 /* long enough for a hub to notice */ };

__attribute__((noreturn)) static void leave(void)
{
    device_disconnect();
    for (uint32_t since = port_ms(); port_ms() - since < OFF_BUS_MS;)
        port_watchdog();
    port_reset();
}

void serve(const struct findings *f)
{
    /* An application that could run is not kept waiting for a host that never comes. */
    const uint32_t patience = BOOT_GIVE_UP_MS;
    bool give_up = patience && f->verdict == MESSAGE_READY;

    port_init();
    device_start(f);
    port_unlock();
    for (;;) {
        uint32_t now = port_ms();
        port_watchdog();
        port_led(led_at(now, message_blinks(device_verdict())));
        device_work();
        give_up &= !device_sees_host();
        if (device_leave_due() || (give_up && now >= patience))
            leave();
        port_lock();
        port_wait();
        port_unlock();
    }
}
