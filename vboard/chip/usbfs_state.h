/* Registers and internal state of the USB FS device block and its packet memory, shared by the
 * programmer's side (usbfs.c) and the wire's (usbfs_wire.c). Names as in RM0394 "USB FS". */
#ifndef VBOARD_CHIP_USBFS_STATE_H
#define VBOARD_CHIP_USBFS_STATE_H

#include "chip/chip.h"

enum { USBFS_EPS = 8, USBFS_PMA = 1024, USBFS_IRQ = 67, USBFS_EXTI = 17 };

/* EPnR */
enum {
    EP_CTR_RX = 1 << 15,
    EP_DTOG_RX = 1 << 14,
    EP_STAT_RX = 3 << 12,
    EP_SETUP = 1 << 11,
    EP_TYPE = 3 << 9,
    EP_KIND = 1 << 8,
    EP_CTR_TX = 1 << 7,
    EP_DTOG_TX = 1 << 6,
    EP_STAT_TX = 3 << 4,
    EP_EA = 0xF
};
enum { EP_BULK = 0 << 9, EP_CONTROL = 1 << 9, EP_ISO = 2 << 9, EP_INTERRUPT = 3 << 9 };
enum ep_stat { STAT_DISABLED, STAT_STALL, STAT_NAK, STAT_VALID };

/* CNTR; bits 15:7 are the masks of the same bits of ISTR. */
enum {
    CNTR_L1RESUME = 1 << 5,
    CNTR_RESUME = 1 << 4,
    CNTR_FSUSP = 1 << 3,
    CNTR_LPMODE = 1 << 2,
    CNTR_PDWN = 1 << 1,
    CNTR_FRES = 1 << 0
};
enum {
    ISTR_CTR = 1 << 15,
    ISTR_PMAOVR = 1 << 14,
    ISTR_ERR = 1 << 13,
    ISTR_WKUP = 1 << 12,
    ISTR_SUSP = 1 << 11,
    ISTR_RESET = 1 << 10,
    ISTR_SOF = 1 << 9,
    ISTR_ESOF = 1 << 8,
    ISTR_L1REQ = 1 << 7,
    ISTR_DIR = 1 << 4,
    ISTR_FLAGS = 0x7F80, /* rc_w0; CTR, DIR and EP_ID follow from the endpoint registers */
    ISTR_MASKS = 0xFF80
};
enum { DADDR_EF = 1 << 7, DADDR_ADD = 0x7F };
enum { LPMCSR_LPMEN = 1 << 0, LPMCSR_LPMACK = 1 << 1, LPMCSR_REMWAKE = 1 << 3, LPMCSR_BESL = 15 << 4 };
enum {
    BCDR_BCDEN = 1 << 0,
    BCDR_DCDEN = 1 << 1,
    BCDR_PDEN = 1 << 2,
    BCDR_SDEN = 1 << 3,
    BCDR_DCDET = 1 << 4,
    BCDR_DPPU = 1 << 15
};

/* What the data lines carry while no packet is on them. */
enum usb_line { LINE_SE0, LINE_J, LINE_K };

struct usbfs_state {
    uint16_t epr[USBFS_EPS];
    uint16_t cntr, istr, daddr, btable, lpmcsr, bcdr; /* istr: only ISTR_FLAGS */
    uint16_t frame;                                   /* FNR.FN */
    uint8_t lsof;                                     /* FNR.LSOF */
    uint8_t sofs;    /* consecutive SOFs since reset or resume, 0..2; 2: FNR.LCK */
    uint8_t full;    /* bit per endpoint register: double-buffered, and no buffer is the block's */
    bool pullup;     /* as last told to the outside */
    bool irq, wake;  /* as last told to NVIC and EXTI */
    bool cable;      /* a host is connected */
    bool se0;        /* the bus is being reset, and the block has not seen it yet */
    ps_t reset_at;   /* when it will, if SE0 and its clocks last; PS_NEVER: it does not look */
    bool armed;      /* idle times count as suspend: since the first reset, by the bus or by FRES */
    uint8_t line;    /* enum usb_line, as the host drives it */
    uint8_t sent;    /* IN packet that waits for the host's handshake: register number + 1; 0: none */
    ps_t tick;       /* end of the running period of the 1 ms suspend timer */
    ps_t traffic;    /* when the bus was last not idle */
    ps_t l1_end;     /* when L1RESUME clears itself */
    bool told_word;  /* the warning about 32-bit accesses to the packet memory was given */
    bool told_stop2; /* … the one about Stop 2, which a resume does not end */
    bool told_mute;  /* … and the one about a device that nobody can see, since the last reset */
    uint8_t deaf;    /* frames in a row that the host has sent while there were no 48 MHz */
    bool told_deaf;  /* … and the one about these */
    bool told_slow;  /* … and the one about packets lost to a slow PCLK1 */
    bool told_pins;  /* … and the one about pins that are something else */
    uint8_t doubled; /* registers that were double-buffered since the last reset of the bus */
    bool told_both;  /* … and the one about a double-buffered register with both directions */
    uint8_t pma[USBFS_PMA];
};

static inline uint16_t pma_get(const struct usbfs_state *u, unsigned at)
{
    at &= USBFS_PMA - 2;
    return (uint16_t)(u->pma[at] | u->pma[at + 1] << 8);
}
static inline void pma_put(struct usbfs_state *u, unsigned at, unsigned value)
{
    at &= USBFS_PMA - 2;
    u->pma[at] = (uint8_t)value;
    u->pma[at + 1] = (uint8_t)(value >> 8);
}

static inline bool usbfs_is_double(unsigned epr)
{
    return (epr & (EP_TYPE | EP_KIND)) == (EP_BULK | EP_KIND);
}
/* DTOG and SW_BUF, which is the toggle bit of the other direction, name the same buffer. */
static inline bool usbfs_same_buffer(unsigned epr)
{
    return !(epr & EP_DTOG_RX) == !(epr & EP_DTOG_TX);
}

/* Brings interrupt line, EXTI 17 and pull-up in line with the registers, and plans the next event. */
void usbfs_settle(struct chip *c);
/* Sets flags in ISTR. */
void usbfs_raise(struct chip *c, unsigned flags);
/* Transceiver, 48 MHz and the protocol machine are able to take part in bus traffic. */
bool usbfs_listening(const struct chip *c);
/* The bus is not idle at this instant; `line` is what it shows. Wakes a suspended device. */
void usbfs_traffic(struct chip *c, enum usb_line line);

/* The rows of the block table. */
void usbfs_reset(struct chip *c, unsigned index);
bool usbfs_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool usbfs_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void usbfs_event(struct chip *c, unsigned index);
void usbfs_clock(struct chip *c, unsigned index, bool after);
void usbram_reset(struct chip *c, unsigned index);
bool usbram_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool usbram_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
bool usbram_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);

#endif
