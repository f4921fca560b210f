/* The STM32L433RC as data: one struct that holds everything a program can observe, and a table of
 * blocks (peripherals). Each block is a file of its own in this folder: its registers (struct
 * NAME_state in NAME.h), its reset, its reads, writes and timed events. Sources: RM0394 and the
 * documents named in the files; where a fact is not confirmed the file says so.
 *
 * Time is virtual, in picoseconds since the machine was created, and never runs backwards.
 * Whatever a block does happens at an instant that it announced with chip_wake_at, or inside a
 * register access. Nothing in this folder knows about files, sockets, wall time or JSON. */
#ifndef VBOARD_CHIP_CHIP_H
#define VBOARD_CHIP_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chip; /* complete in chip/state.h, which only this folder and vboard/board/look.c include */
struct cpu;

typedef uint64_t ps_t; /* virtual time, picoseconds */
#define PS_NEVER  UINT64_MAX
#define PS_PER_US 1000000ULL
#define PS_PER_MS 1000000000ULL
#define PS_PER_S  1000000000000ULL

/* ---- blocks ------------------------------------------------------------------------------ */

enum chip_reset {
    RESET_POWER,
    RESET_PIN,
    RESET_SOFT,
    RESET_IWDG,
    RESET_WWDG,
    RESET_OBL,
    RESET_LOWPOWER,
    RESET_FIREWALL
};

/* One row of the block table (chip/blocks.c). Instances of one kind share their functions and
 * tell themselves apart by `index`. Functions may be NULL where there is nothing to do. */
struct block {
    const char *name; /* as in RM0394: "USART2" */
    uint32_t base, size;
    uint8_t enr;          /* offset of its RCC enable register (RSTR = ENR - 0x20), 0: always clocked */
    uint8_t enr_bit;      /* the same bit in ENR and RSTR */
    uint8_t index;        /* instance: 0 for the first */
    bool keep_on_reset;   /* system resets do not reset it (backup domain); RSTR never does then */
    bool keep_in_standby; /* Standby does not switch it off; leaving it does not reset it */
    void (*reset)(struct chip *c, unsigned index); /* registers to their reset values */
    /* Offsets are relative to base; size is 1, 2 or 4. The generic code has checked clock gate
     * (gated: reads 0, writes ignored) and alignment. false: bus error. Reserved offsets inside a
     * modelled block read 0 and ignore writes, as on the chip; they are no `missing` event. */
    bool (*read)(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
    bool (*write)(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
    /* A debugger's read without side effects; NULL: `read` has none. */
    bool (*peek)(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
    void (*event)(struct chip *c, unsigned index); /* the time of chip_wake_at has come */
    /* Called for every block around a change of any clock, power range or low-power mode:
     * before it (settle what happened at the old rate) and after it (announce the next event). */
    void (*clock)(struct chip *c, unsigned index, bool after);
};

/* Blocks by number, in table order (chip/blocks.c). */
enum block_id {
    B_RCC,
    B_PWR,
    B_FLASH,
    B_SYSCFG,
    B_EXTI,
    B_GPIOA,
    B_GPIOB,
    B_GPIOC,
    B_GPIOD,
    B_GPIOE,
    B_GPIOH,
    B_DMA1,
    B_DMA2,
    B_CRC,
    B_RNG,
    B_CRS,
    B_RTC,
    B_IWDG,
    B_WWDG,
    B_DBGMCU,
    B_USB,
    B_USBRAM,
    B_USART1,
    B_USART2,
    B_USART3,
    B_LPUART1,
    B_TIM1,
    B_TIM2,
    B_TIM6,
    B_TIM7,
    B_TIM15,
    B_TIM16,
    B_LPTIM1,
    B_LPTIM2,
    B_ADC1,
    B_DAC1,
    B_I2C1,
    B_I2C2,
    B_I2C3,
    B_SPI1,
    B_SPI2,
    B_SPI3,
    B_COMP,
    B_VREFBUF,
    B_OPAMP,
    B_TSC,
    B_LCD,
    B_SAI1,
    B_SWPMI1,
    B_QUADSPI,
    B_CAN1,
    B_SDMMC1,
    B_FIREWALL,
    B_ETM,
    BLOCK_COUNT
};

/* ---- services for blocks ----------------------------------------------------------------- */

ps_t chip_now(const struct chip *c);
/* The block's event function is called at `when` (or at once, after the running access, if that
 * is past). One pending time a block; a new call replaces it, PS_NEVER cancels. */
void chip_wake_at(struct chip *c, enum block_id id, ps_t when);
/* The same for parties outside the chip that act in its virtual time (a USB host, a script): fn(arg) is
 * called once, at `when`, between instructions or while the bus waits, wherever block events are. One
 * pending time a slot; a new call replaces it, PS_NEVER cancels. Pending times are part of a snapshot;
 * resets of the chip leave them alone. */
enum chip_outside {
    OUTSIDE_USB_HOST,
    OUTSIDE_BOARD,
    OUTSIDE_UART,
    OUTSIDE_UART_EDGE,
    OUTSIDE_SMPS,
    OUTSIDE_TEST,
    OUTSIDE_COUNT
};
void chip_outside_wake(struct chip *c, enum chip_outside slot, ps_t when, void (*fn)(void *arg), void *arg);
/* Keeps the bus, and so the processor, waiting until `until`. Everything else goes on: events of
 * other blocks due before that happen at their own times inside this call. */
void chip_stall_until(struct chip *c, ps_t until);

/* Clocks in Hz; 0 while stopped. They follow RCC registers, ready flags and low-power modes. */
enum clock_id {
    CLK_SYSCLK,
    CLK_HCLK,
    CLK_PCLK1,
    CLK_PCLK2,
    CLK_TIM_APB1,
    CLK_TIM_APB2,
    CLK_MSI,
    CLK_HSI16,
    CLK_HSE,
    CLK_LSI,
    CLK_LSE,
    CLK_HSI48,
    CLK_48,
    CLK_PLL_P,
    CLK_PLL_Q,
    CLK_PLL_R,
    CLK_PLLSAI1_P,
    CLK_PLLSAI1_Q,
    CLK_PLLSAI1_R,
    CLK_RTC,
    CLK_LCD,
    CLK_ADC,
    CLK_USART1,
    CLK_USART2,
    CLK_USART3,
    CLK_LPUART1,
    CLK_I2C1,
    CLK_I2C2,
    CLK_I2C3,
    CLK_LPTIM1,
    CLK_LPTIM2,
    CLK_SAI1,
    CLK_SWPMI1,
    CLOCK_COUNT
};
uint32_t chip_clock(const struct chip *c, enum clock_id id);
/* True while the bus clock of the block runs: its enable bit, in Sleep its SMENR bit as well. */
bool chip_enabled(const struct chip *c, enum block_id id);
/* ps that `ticks` periods of `hz` last, rounded up; PS_NEVER if hz is 0. No overflow up to 2^63 ps. */
ps_t chip_ticks_to_ps(uint64_t ticks, uint32_t hz);
uint64_t chip_ps_to_ticks(ps_t ps, uint32_t hz); /* whole periods in ps */

/* Interrupt line of the NVIC. Lines shared by blocks are the OR of their sources: `source` is a
 * number 0..31 that is unique within the line (enum block_id modulo 32 does where it is unique). */
void chip_irq(struct chip *c, unsigned irq, unsigned source, bool level);
enum nmi_source { NMI_FLASH_ECC, NMI_CSS, NMI_SRAM2_PARITY };
void chip_nmi(struct chip *c, enum nmi_source source, bool level);
/* A request to EXTI: a rising/falling edge or level of a line (configurable lines), or a wake-up
 * request of a direct line. Also what ends Stop modes. */
void exti_line(struct chip *c, unsigned line, bool level);

/* Any reset but power-on. Takes effect when the running access is over. */
void chip_request_reset(struct chip *c, enum chip_reset cause);

/* Bus access by a master other than the processor (DMA), at this instant. false: bus error. */
bool chip_bus_read(struct chip *c, uint32_t addr, unsigned size, uint32_t *value);
bool chip_bus_write(struct chip *c, uint32_t addr, unsigned size, uint32_t value);
/* When an access to addr would no longer wait (flash while an operation runs); chip_now if it would not
 * wait. A master other than the processor asks before, since its accesses do not wait. */
ps_t chip_bus_ready(const struct chip *c, uint32_t addr);
/* What the listener's `missing` is about: the name of the block at addr, NULL if there is none. *part: the
 * block has a model, which lacks this. */
const char *chip_missing_in(uint32_t addr, bool *part);

/* A DMA request signal of a peripheral, level: high as long as it wants a transfer. The table of
 * channel and CSELR code per signal is in dma.c. */
enum dma_signal {
    DMAR_ADC1,
    DMAR_DAC1_CH1,
    DMAR_DAC1_CH2,
    DMAR_I2C1_TX,
    DMAR_I2C1_RX,
    DMAR_I2C2_TX,
    DMAR_I2C2_RX,
    DMAR_I2C3_TX,
    DMAR_I2C3_RX,
    DMAR_SPI1_TX,
    DMAR_SPI1_RX,
    DMAR_SPI2_TX,
    DMAR_SPI2_RX,
    DMAR_SPI3_TX,
    DMAR_SPI3_RX,
    DMAR_USART1_TX,
    DMAR_USART1_RX,
    DMAR_USART2_TX,
    DMAR_USART2_RX,
    DMAR_USART3_TX,
    DMAR_USART3_RX,
    DMAR_LPUART1_TX,
    DMAR_LPUART1_RX,
    DMAR_TIM1_CH1,
    DMAR_TIM1_CH2,
    DMAR_TIM1_CH3,
    DMAR_TIM1_CH4,
    DMAR_TIM1_UP,
    DMAR_TIM1_TRIG,
    DMAR_TIM1_COM,
    DMAR_TIM2_CH1,
    DMAR_TIM2_CH2,
    DMAR_TIM2_CH3,
    DMAR_TIM2_CH4,
    DMAR_TIM2_UP,
    DMAR_TIM6_UP,
    DMAR_TIM7_UP,
    DMAR_TIM15_CH1,
    DMAR_TIM15_UP,
    DMAR_TIM15_TRIG,
    DMAR_TIM15_COM,
    DMAR_TIM16_CH1,
    DMAR_TIM16_UP,
    DMAR_QUADSPI,
    DMAR_SDMMC1,
    DMAR_SAI1_A,
    DMAR_SAI1_B,
    DMAR_SWPMI1_TX,
    DMAR_SWPMI1_RX,
    DMAR_COUNT
};
void dma_request(struct chip *c, enum dma_signal signal, bool level);

/* Internal trigger signals (TIM TRGO and the like) have an edge at this instant, or both as a pulse.
 * Receivers (ADC, DAC) are called from trigger.c. */
enum trigger {
    TRG_TIM1_TRGO,
    TRG_TIM1_TRGO2,
    TRG_TIM1_CC1,
    TRG_TIM1_CC2,
    TRG_TIM1_CC3,
    TRG_TIM1_CC4,
    TRG_TIM2_CC1,
    TRG_TIM2_CC2,
    TRG_TIM2_TRGO,
    TRG_TIM6_TRGO,
    TRG_TIM7_TRGO,
    TRG_TIM15_TRGO,
    TRG_EXTI11,
    TRG_EXTI15,
    TRG_EXTI9,
    TRG_COUNT
};
void chip_trigger(struct chip *c, enum trigger t, bool rising);
void chip_trigger_pulse(struct chip *c, enum trigger t);

/* Pins: port 'A'..'E','H' as 0..4 and 7; pin 0..15. */
bool gpio_level(const struct chip *c, unsigned port, unsigned pin); /* what the pin reads as */
void gpio_drive(struct chip *c, unsigned port, unsigned pin,
                int level);                                     /* the outside: 0, 1, -1 = not driven */
int gpio_af(const struct chip *c, unsigned port, unsigned pin); /* AF number, -1 if not in AF mode */
/* Level that an alternate function puts on its pin (used if the pin is in AF mode `af`). */
void gpio_af_out(struct chip *c, unsigned port, unsigned pin, unsigned af, bool level);
void gpio_af_release(struct chip *c, unsigned port, unsigned pin, unsigned af); /* it drives no longer */

/* ---- what the outside does --------------------------------------------------------------- */

/* A frame with this byte begins on the receive line of B_USART1, 2, 3 or B_LPUART1, in the bit rate and
 * format that the receiver is set to; the byte is there when it ends (usart_pin.c). Returns how long it
 * lasts; 0: nobody receives (off, unclocked, no pin in its alternate function), the byte is lost. One
 * frame at a time: the sender waits. */
ps_t usart_receive(struct chip *c, enum block_id uart, uint8_t byte);
/* The same at a pin where nobody receives, which shows it: 8 bits without parity, at the rate of the last one
 * that was received there, 115200 before. Never 0. */
ps_t usart_unheard(struct chip *c, unsigned port, unsigned pin, uint8_t byte);
/* The receive pin of such a block, the one that it was last seen at, or its usual one. */
void usart_receive_pin(struct chip *c, enum block_id uart, unsigned *port, unsigned *pin);
/* A wire between two pins: what drives or pulls one the other sees, levels, voltages and USART frames, and
 * so do all that wires join with it. SPI and I2C data go as words where the data pins are wired. false: too
 * many wires. */
enum { CHIP_WIRES = 16 };
bool chip_wire(struct chip *c, unsigned port_a, unsigned pin_a, unsigned port_b, unsigned pin_b);
/* Voltage at a pin, in millivolts (analog.c). false: neither ADC1 nor a comparator has an input there. */
bool adc_voltage(struct chip *c, unsigned port, unsigned pin, unsigned millivolt);

/* ---- what the outside is told ------------------------------------------------------------ */

struct cpu_fault;
struct chip_listener {
    void *owner;
    void (*reset)(void *owner, enum chip_reset cause);
    void (*gpio)(void *owner, unsigned port, unsigned pin, bool level); /* pin in output mode changed */
    void (*pin)(void *owner, unsigned port, unsigned pin, bool level);  /* any pin's level changed */
    void (*pwm)(void *owner, unsigned port, unsigned pin, double hz, double duty);
    void (*uart_tx)(void *owner, const char *name, uint8_t byte); /* name: "USART2" … */
    void (*flash_op)(void *owner, const char *op, uint32_t page_or_addr, uint32_t n);
    void (*fault)(void *owner, const struct cpu_fault *fault);
    void (*missing)(void *owner, uint32_t addr, uint32_t pc);
    void (*usb_pullup)(void *owner, bool on); /* transceiver powered, 48 MHz there and DPPU set, or not */
    void (*usb_wake)(void *owner);            /* remote wake-up signalling by the device */
    void (*watch)(void *owner, uint32_t pc);
    /* A flash operation begins: the n-th since power-on (1…). Return a cut model to end power in it. */
    int (*cut)(void *owner, uint64_t n);
    void (*power_lost)(void *owner);                    /* after a cut: memory is as the cut left it */
    void (*message)(void *owner, const char *sentence); /* e.g. the ROM stand-in's broken precondition */
    /* The instruction at pc has written what cannot be written now; once a block after each reset. */
    void (*ignored)(void *owner, const char *sentence, uint32_t pc);
};

#endif
