/* The simplest application: LD4 toggles every 1000 ms. Nothing in it knows of the bootloader but the
 * address at which it is linked. */
#include "port/port.h"

int main(void)
{
    port_init();
    uint32_t last = port_ms();
    for (bool on = true;; on = !on) {
        port_led(on);
        while (port_ms() - last < 1000)
            port_wait();
        last += 1000;
    }
}
