/* Which request reaches which DMA channel under which code of CSELR, and no other: RM0394 "DMA requests for
 * each channel", the same rows as ST's data base has for this chip. Each request comes from its peripheral.
 * SDMMC1's is missing here, for its card is. */
#include "chip/state.h"
#include "tim_regs.h"

#define DMA(n)   (0x40020000u + 0x400 * ((n)-1u))
#define SRC      0x20000000u
#define DST      0x20000400u
#define USART1   0x40013800u
#define USART2   0x40004400u
#define USART3   0x40004800u
#define LPUART1  0x40008000u
#define SPI1     0x40013000u
#define SPI2     0x40003800u
#define SPI3     0x40003C00u
#define I2C1     0x40005400u
#define I2C2     0x40005800u
#define I2C3     0x40005C00u
#define ADC1     0x50040000u
#define DAC1     0x40007400u
#define SAI1     0x40015400u
#define SWPMI1   0x40008800u
#define QUADSPI  0xA0001000u
#define COUNT    5
#define ADC_ON   (1u << 28 | 1) /* ADVREGEN, ADEN */
#define SPI_ON   0x344          /* MSTR, SPE, SSM, SSI */
#define EEPROM   0xA0
#define I2C_ASKS (1 << 16 | 1 << 13 | EEPROM) /* NBYTES 1, START */

/* What makes each request: up to four writes. */
#define UART_TX(base)                                                                                        \
    {(base) + 0x08, 1 << 7},                                                                                 \
    {                                                                                                        \
        (base), 1 | 8                                                                                        \
    } /* DMAT; UE, TE */
#define UART_RX(base)                                                                                        \
    {(base) + 0x08, 1 << 6},                                                                                 \
    {                                                                                                        \
        (base), 1 | 4                                                                                        \
    } /* DMAR; UE, RE */
#define SPI_TX(base)                                                                                         \
    {(base) + 0x04, 0x1702},                                                                                 \
    {                                                                                                        \
        (base), SPI_ON                                                                                       \
    }
#define SPI_RX(base)                                                                                         \
    {(base) + 0x04, 0x1701}, {(base), SPI_ON},                                                               \
    {                                                                                                        \
        (base) + 0x0C, 0                                                                                     \
    }
#define I2C_TX(base)                                                                                         \
    {(base), 1 << 14 | 1},                                                                                   \
    {                                                                                                        \
        (base) + 0x04, I2C_ASKS                                                                              \
    }
#define I2C_RX(base)                                                                                         \
    {(base), 1 << 15 | 1},                                                                                   \
    {                                                                                                        \
        (base) + 0x04, I2C_ASKS | 1 << 10                                                                    \
    }
#define TIM_EVENT(base, bit)                                                                                 \
    {(base) + 0x0C, 0x100u << (bit)},                                                                        \
    {                                                                                                        \
        (base) + 0x14, 1u << (bit)                                                                           \
    } /* DIER; EGR */
enum { UP, CH1, CH2, CH3, CH4, COM, TRIG };
enum { FRAME = 100 /* us; one of USART, I2C address and byte */ };

static const struct signal {
    const char *name;
    struct {
        uint8_t dma, channel, code;
    } at[2];
    struct {
        uint32_t addr, value;
    } w[4];
    enum block_id receives; /* a byte from outside */
} signals[] = {
    {"ADC1", {{1, 1, 0}, {2, 3, 0}}, {{ADC1 + 0x0C, 1}, {ADC1 + 0x08, ADC_ON | 4}}, 0},
    {"DAC1_CH1", {{1, 3, 6}, {2, 4, 3}}, {{DAC1, 0x103D}, {DAC1 + 4, 1}}, 0},
    {"DAC1_CH2", {{1, 4, 5}, {2, 5, 3}}, {{DAC1, 0x103Du << 16}, {DAC1 + 4, 2}}, 0},
    {"I2C1_TX", {{1, 6, 3}, {2, 7, 5}}, {I2C_TX(I2C1)}, 0},
    {"I2C1_RX", {{1, 7, 3}, {2, 6, 5}}, {I2C_RX(I2C1)}, 0},
    {"I2C2_TX", {{1, 4, 3}}, {I2C_TX(I2C2)}, 0},
    {"I2C2_RX", {{1, 5, 3}}, {I2C_RX(I2C2)}, 0},
    {"I2C3_TX", {{1, 2, 3}}, {I2C_TX(I2C3)}, 0},
    {"I2C3_RX", {{1, 3, 3}}, {I2C_RX(I2C3)}, 0},
    {"SPI1_RX", {{1, 2, 1}, {2, 3, 4}}, {SPI_RX(SPI1)}, 0},
    {"SPI1_TX", {{1, 3, 1}, {2, 4, 4}}, {SPI_TX(SPI1)}, 0},
    {"SPI2_RX", {{1, 4, 1}}, {SPI_RX(SPI2)}, 0},
    {"SPI2_TX", {{1, 5, 1}}, {SPI_TX(SPI2)}, 0},
    {"SPI3_RX", {{2, 1, 3}}, {SPI_RX(SPI3)}, 0},
    {"SPI3_TX", {{2, 2, 3}}, {SPI_TX(SPI3)}, 0},
    {"USART1_TX", {{1, 4, 2}, {2, 6, 2}}, {UART_TX(USART1)}, 0},
    {"USART1_RX", {{1, 5, 2}, {2, 7, 2}}, {UART_RX(USART1)}, B_USART1},
    {"USART2_RX", {{1, 6, 2}}, {UART_RX(USART2)}, B_USART2},
    {"USART2_TX", {{1, 7, 2}}, {UART_TX(USART2)}, 0},
    {"USART3_TX", {{1, 2, 2}}, {UART_TX(USART3)}, 0},
    {"USART3_RX", {{1, 3, 2}}, {UART_RX(USART3)}, B_USART3},
    {"LPUART1_TX", {{2, 6, 4}}, {UART_TX(LPUART1)}, 0},
    {"LPUART1_RX", {{2, 7, 4}}, {UART_RX(LPUART1)}, B_LPUART1},
    {"TIM1_CH1", {{1, 2, 7}}, {TIM_EVENT(TIM1, CH1)}, 0},
    {"TIM1_CH2", {{1, 3, 7}}, {TIM_EVENT(TIM1, CH2)}, 0},
    {"TIM1_CH3", {{1, 7, 7}}, {TIM_EVENT(TIM1, CH3)}, 0},
    {"TIM1_CH4", {{1, 4, 7}}, {TIM_EVENT(TIM1, CH4)}, 0},
    {"TIM1_TRIG", {{1, 4, 7}}, {TIM_EVENT(TIM1, TRIG)}, 0},
    {"TIM1_COM", {{1, 4, 7}}, {{TIM1 + 4, 1}, TIM_EVENT(TIM1, COM)}, 0},
    {"TIM1_UP", {{1, 6, 7}}, {TIM_EVENT(TIM1, UP)}, 0},
    {"TIM2_CH1", {{1, 5, 4}}, {TIM_EVENT(TIM2, CH1)}, 0},
    {"TIM2_CH2", {{1, 7, 4}}, {TIM_EVENT(TIM2, CH2)}, 0},
    {"TIM2_CH3", {{1, 1, 4}}, {TIM_EVENT(TIM2, CH3)}, 0},
    {"TIM2_CH4", {{1, 7, 4}}, {TIM_EVENT(TIM2, CH4)}, 0},
    {"TIM2_UP", {{1, 2, 4}}, {TIM_EVENT(TIM2, UP)}, 0},
    {"TIM6_UP", {{1, 3, 6}, {2, 4, 3}}, {TIM_EVENT(TIM6, UP)}, 0},
    {"TIM7_UP", {{1, 4, 5}, {2, 5, 3}}, {TIM_EVENT(TIM7, UP)}, 0},
    {"TIM15_CH1", {{1, 5, 7}}, {TIM_EVENT(TIM15, CH1)}, 0},
    {"TIM15_UP", {{1, 5, 7}}, {TIM_EVENT(TIM15, UP)}, 0},
    {"TIM15_TRIG", {{1, 5, 7}}, {TIM_EVENT(TIM15, TRIG)}, 0},
    {"TIM15_COM", {{1, 5, 7}}, {{TIM15 + 4, 1}, TIM_EVENT(TIM15, COM)}, 0},
    {"TIM16_CH1", {{1, 3, 4}, {1, 6, 4}}, {TIM_EVENT(TIM16, CH1)}, 0},
    {"TIM16_UP", {{1, 3, 4}, {1, 6, 4}}, {TIM_EVENT(TIM16, UP)}, 0},
    {"QUADSPI", {{1, 5, 5}, {2, 7, 3}}, {{QUADSPI + 0x14, 1 << 24}, {QUADSPI, 1 | 4}}, 0},
    {"SAI1_A", {{2, 1, 1}, {2, 6, 1}}, {{SAI1 + 0x04, 1 << 17}}, 0},
    {"SAI1_B", {{2, 2, 1}, {2, 7, 1}}, {{SAI1 + 0x24, 1 << 17}}, 0},
    {"SWPMI1_RX", {{2, 1, 4}}, {{SWPMI1, 0x11}, {SWPMI1, 0x31}, {SWPMI1 + 0x1C, 0xAA01}}, 0},
    {"SWPMI1_TX", {{2, 2, 4}}, {{SWPMI1, 0x12}, {SWPMI1, 0x32}}, 0},
};

/* Clocks on, the ADC ready, a pin for each receiver, the three I2C on the EEPROM's bus. */
static int open_all(void **state)
{
    static const uint8_t enables[] = {0x48, 0x4C, 0x50, 0x58, 0x5C};
    static const uint32_t i2cs[] = {I2C1, I2C2, I2C3};
    static const struct {
        char port;
        uint8_t pin, af;
    } pins[] = {{'B', 6, 4},  {'B', 7, 4},  {'C', 0, 4},  {'C', 1, 4},
                {'B', 10, 4}, {'B', 11, 4}, /* SCL, SDA */
                {'A', 10, 7}, {'A', 15, 3}, {'C', 11, 7}, {'A', 3, 8}};

    rig_on(state);
    clock_hsi16();
    for (unsigned i = 0; i < sizeof enables; i++)
        wr(0x40021000 + enables[i], UINT32_MAX);
    wr(0x40021060, UINT32_MAX & ~(1u << 7)); /* APB2, without the firewall */
    for (size_t i = 0; i < sizeof pins / sizeof *pins; i++)
        pin_mode(pins[i].port, pins[i].pin, 2, pins[i].af);
    for (unsigned i = 0; i < 4; i++)
        assert_true(chip_wire(rig, (unsigned)(pins[i].port - 'A'), pins[i].pin, 1, 10 + i % 2));
    for (unsigned i = 0; i < 3; i++)
        wr(i2cs[i] + 0x10, 0x00000410);
    wr(USART1 + 0x0C, 16);
    wr(USART2 + 0x0C, 16);
    wr(USART3 + 0x0C, 16);
    wr(LPUART1 + 0x0C, 0x1000);
    wr(ADC1 + 0x308, 1 << 16);
    wr(ADC1 + 0x08, ADC_ON & ~1u);
    run_us(20);
    wr(ADC1 + 0x08, ADC_ON);
    run_us(20);
    rig_keep();
    return 0;
}

/* The signal comes while the channel looks for `code`. */
static bool served(const struct signal *s, unsigned dma, unsigned channel, unsigned code)
{
    uint32_t base = DMA(dma), ch = base + 0x08 + 20 * (channel - 1);

    rig_back();
    wr(base + 0xA8, code << 4 * (channel - 1));
    wr(ch + 4, COUNT);
    wr(ch + 8, SRC);
    wr(ch + 12, DST);
    wr(ch, 1);
    for (size_t i = 0; i < sizeof s->w / sizeof *s->w && s->w[i].addr; i++)
        wr(s->w[i].addr, s->w[i].value);
    run_us(FRAME);
    if (s->receives) {
        assert_int_not_equal(usart_receive(rig, s->receives, 'x'), 0);
        run_us(FRAME);
    }
    return rd(ch + 4) != COUNT;
}

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        const struct signal *s = &signals[i];
        for (unsigned n = 0; n < 2 * 7 * 8; n++) {
            unsigned dma = n / 56 + 1, channel = n / 8 % 7 + 1, code = n % 8;
            bool wanted = false;
            for (unsigned a = 0; a < 2; a++)
                wanted |= s->at[a].dma == dma && s->at[a].channel == channel && s->at[a].code == code;
            if (served(s, dma, channel, code) != wanted)
                fail_msg("%s %s channel %u of DMA%u with code %u", s->name,
                         wanted ? "does not reach" : "reaches", channel, dma, code);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(table, open_all, rig_off),
    };

    return cmocka_run_group_tests_name("DMA requests", tests, NULL, NULL);
}
