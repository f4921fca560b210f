/* The workbench: starts everything, toggles LD4 every 1000 ms, and once a second prints the table of all
 * counters to the serial port over USB, if somebody has it open. It confirms itself when all that comes by
 * itself has come. */
#include "app/sureboot.h"
#include "examples/serial.h"
#include "examples/workbench/workbench.h"
#include "port/port.h"
#include "port/stm32l433/irq.h"
#include "port/stm32l433/periph.h"

SUREBOOT_APPLICATION("workbench", 1, 0, 0, SUREBOOT_NUCLEO_L433RC_P, SUREBOOT_WANTS_CONFIRM);

volatile uint32_t counters[COUNTERS];
volatile bool confirmed;

static const struct {
    const char *text;
    uint32_t rate;
} rows[COUNTERS] = {
#define X(name, text, rate) [name] = {text, rate},
    WORKBENCH_COUNTERS(X)
#undef X
};

bool fpu_step(struct fpu_state *s)
{
    s->value = s->value * 3.0f + 1.0f; /* below 2^24: exact */
    while (s->value >= 8191.0f)
        s->value -= 8191.0f;
    s->exact = (s->exact * 3 + 1) % 8191;
    return s->value == (float)s->exact;
}

void pin_alternate(struct gpio_regs *port, unsigned pin, unsigned function)
{
    reg32 *af = pin < 8 ? &port->AFRL : &port->AFRH;
    *af = (*af & ~(15ul << pin % 8 * 4)) | (unsigned long)function << pin % 8 * 4;
    port->MODER = (port->MODER & ~GPIO_FIELD(pin, 3)) | GPIO_FIELD(pin, 2);
}

/* ---- the table --------------------------------------------------------------------------- */

static char text[1024];
static size_t length, told;

static void put(const char *s)
{
    while (*s && length < sizeof text)
        text[length++] = *s++;
}

static void put_row(const char *name, uint32_t value)
{
    char digits[] = "          \r\n";
    size_t begin = length;
    put(name);
    while (length < begin + 16)
        put(" ");
    unsigned i = 10;
    do
        digits[--i] = (char)('0' + value % 10);
    while (value /= 10);
    put(digits);
}

static void make_table(void)
{
    length = told = 0;
    put_row("milliseconds", port_ms());
    put_row("confirmed", confirmed);
    for (unsigned i = 0; i < COUNTERS; i++)
        put_row(rows[i].text, counters[i]);
    put("\r\n");
}

static void print(void)
{
    port_lock();
    uint8_t ignored[64];
    while (cdc_read(ignored, sizeof ignored) > 0)
        ;
    told += cdc_write(text + told, length - told);
    port_unlock();
}

/* ---- life -------------------------------------------------------------------------------- */

/* The bus of an EEPROM that is not there still has events; its data does not come. */
static bool all_works(void)
{
    for (unsigned i = 0; i < COUNTERS; i++)
        if (rows[i].rate && counters[i] == 0 && i != I2C_DMA_OUT && i != I2C_DMA_IN && i != EEPROM_GOOD)
            return false;
    return counters[FPU_BAD] == 0;
}

int main(void)
{
    port_init(); /* 80 MHz from HSI16 and PLL; the start-up code has set VTOR */
    serial_start("sureboot example: workbench");
    i2c_start();
    spi_start();
    usart_start();
    adc_start();
    timers_start();

    struct fpu_state in_main = {3, 3};
    uint32_t blinked = port_ms(), printed = blinked;
    bool led = true, rtc = false;
    for (port_led(led);;) {
        serial_work();
        counters[USB_EVENT] = serial_events();
        if (!rtc)
            rtc = rtc_start();
        if (!fpu_step(&in_main))
            count(FPU_BAD);
        if (!confirmed && all_works())
            confirmed = sureboot_confirm();
        if (port_ms() - blinked >= 1000) {
            blinked += 1000;
            port_led(led = !led);
        }
        if (port_ms() - printed >= 1000) {
            printed += 1000;
            if (cdc_dtr() && told == length)
                make_table();
        }
        print();
        port_wait();
    }
}
