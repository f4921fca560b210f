/* How the application of the thread's first post looks for the byte 0xAA: at the start of a buffer that
 * everything is appended to. */
#include "app/sureboot.h"
#include "usb/cdc.h"
#include <string.h>

bool cdc_on_packet(const uint8_t *packet, uint16_t size)
{
    static uint8_t buffer[512];
    static uint32_t count;
    if (count + size < sizeof buffer) {
        memcpy(buffer + count, packet, size);
        count += size;
    }
    if (buffer[0] == 0xAA)
        sureboot_enter_dfu();
    return true;
}
