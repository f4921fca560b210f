/* I2C1-3 (RM0394 "I2C"). i2c.c has the registers, i2c_master.c the master's way through a transfer,
 * i2c_bus.c who answers: the memory on the board (eeprom.c) and other instances that are wired to this one;
 * i2c_smbus.c what SMBus adds, i2c_lines.c what others do to SCL and SDA, i2c_rivals.c two masters at once.
 */
#ifndef VBOARD_CHIP_I2C_H
#define VBOARD_CHIP_I2C_H

#include "chip/chip.h"

enum { I2C_COUNT = 3 };

/* Registers by offset / 4. */
enum {
    I2C_CR1,
    I2C_CR2,
    I2C_OAR1,
    I2C_OAR2,
    I2C_TIMINGR,
    I2C_TIMEOUTR,
    I2C_ISR,
    I2C_ICR,
    I2C_PECR,
    I2C_RXDR,
    I2C_TXDR,
    I2C_REGS
};

enum {
    I2C_CR1_PE = 1 << 0,
    I2C_CR1_TXIE = 1 << 1,
    I2C_CR1_RXIE = 1 << 2,
    I2C_CR1_ADDRIE = 1 << 3,
    I2C_CR1_NACKIE = 1 << 4,
    I2C_CR1_STOPIE = 1 << 5,
    I2C_CR1_TCIE = 1 << 6,
    I2C_CR1_ERRIE = 1 << 7,
    I2C_CR1_ANFOFF = 1 << 12,
    I2C_CR1_TXDMAEN = 1 << 14,
    I2C_CR1_RXDMAEN = 1 << 15,
    I2C_CR1_SBC = 1 << 16,
    I2C_CR1_NOSTRETCH = 1 << 17,
    I2C_CR1_GCEN = 1 << 19,
    I2C_CR1_SMBHEN = 1 << 20,
    I2C_CR1_SMBDEN = 1 << 21,
    I2C_CR1_ALERTEN = 1 << 22,
    I2C_CR1_PECEN = 1 << 23,
    I2C_CR2_RD_WRN = 1 << 10,
    I2C_CR2_ADD10 = 1 << 11,
    I2C_CR2_HEAD10R = 1 << 12,
    I2C_CR2_START = 1 << 13,
    I2C_CR2_STOP = 1 << 14,
    I2C_CR2_NACK = 1 << 15,
    I2C_CR2_RELOAD = 1 << 24,
    I2C_CR2_AUTOEND = 1 << 25,
    I2C_CR2_PECBYTE = 1 << 26,
    I2C_ISR_TXE = 1 << 0,
    I2C_ISR_TXIS = 1 << 1,
    I2C_ISR_RXNE = 1 << 2,
    I2C_ISR_ADDR = 1 << 3,
    I2C_ISR_NACKF = 1 << 4,
    I2C_ISR_STOPF = 1 << 5,
    I2C_ISR_TC = 1 << 6,
    I2C_ISR_TCR = 1 << 7,
    I2C_ISR_ARLO = 1 << 9,
    I2C_ISR_OVR = 1 << 10,
    I2C_ISR_PECERR = 1 << 11,
    I2C_ISR_TIMEOUT = 1 << 12,
    I2C_ISR_ALERT = 1 << 13,
    I2C_ISR_BUSY = 1 << 15,
    I2C_ISR_DIR = 1 << 16
};

/* Where a master is in its transfer. */
enum i2c_phase {
    I2C_IDLE,
    I2C_WAITS_FOR_BUS, /* START is set, somebody else has the bus */
    I2C_ADDRESS,       /* START and address go out */
    I2C_WRITTEN,       /* a 10-bit address, written; for a read the header comes again: */
    I2C_HEADER,        /* a repeated START and the header with the direction of a read go out */
    I2C_ADDRESSED,     /* the other side stretches SCL until it has seen its address */
    I2C_NEXT,          /* between bytes: what comes next depends on registers */
    I2C_SENDS,
    I2C_SENT, /* the byte waits until the other side can take it */
    I2C_RECEIVES,
    I2C_RECEIVED, /* the byte waits until RXDR is free */
    I2C_RELOADS,  /* the byte's acknowledge waits until TCR has been served */
    I2C_ACKNOWLEDGES,
    I2C_STOPS
};

/* Who holds SCL low between the bytes of a master. */
enum i2c_stall { I2C_STALL_NONE, I2C_STALL_OWN, I2C_STALL_SLAVE };

struct i2c_state {
    uint32_t r[I2C_REGS];
    enum i2c_phase phase;
    ps_t since, until; /* the phase */
    bool outbid;       /* another master's address wins: this one is lost at the end of the phase */
    uint8_t shift;
    bool refused;    /* the other side's answer to the byte that was sent */
    uint16_t left;   /* bytes of NBYTES that have not gone through the wire */
    uint16_t wanted; /* bytes of NBYTES that TXIS has not asked for yet */
    uint8_t target;  /* who answered, see i2c_bus.c */
    bool reading;    /* direction of the transfer that is going on */
    /* what others do to its lines */
    bool scl_low, sda_low;
    bool taken; /* a START of somebody whose STOP has not come */
    /* as a slave */
    bool met;    /* addressed since the last STOP */
    bool by_ten; /* the last address was its own of ten bits */
    bool selected, transmits;
    bool fresh; /* no byte since its address */
    uint8_t master;
    bool nacked;
    /* SMBus */
    uint8_t stall; /* as a master: enum i2c_stall, since: */
    ps_t stall_since;
    ps_t extended;   /* SCL held low by itself, before that: in a byte as a master, in a message as a slave */
    ps_t free_since; /* its bus */
    bool timed_out;  /* told of this stall, of this idle bus */
    bool alert_low;  /* as a host sees it */
};

/* A serial EEPROM: 24xx with one or two address bytes. */
enum { EEPROM_MAX = 8192 };
struct eeprom_state {
    uint8_t bytes[EEPROM_MAX], page[32];
    uint32_t address, page_mask; /* page_mask: bytes of the page buffer that were written */
    ps_t busy_until;             /* write cycle: not acknowledged */
    uint8_t address_bytes;       /* of the word address received since START */
    bool selected;
    struct eeprom_pins {
        uint8_t phase, next, byte;
        uint8_t count; /* clocks of the byte and its acknowledge */
        bool low;      /* it holds SDA low */
        bool nack;
    } pins;
};

void i2c_reset(struct chip *c, unsigned index);
bool i2c_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool i2c_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool i2c_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void i2c_event(struct chip *c, unsigned index);
void i2c_clock(struct chip *c, unsigned index, bool after);
void i2c_alert(struct chip *c, unsigned index); /* the SMBA pin or what is made of it has changed */
void i2c_alerts_look(struct chip *c);           /* … or which pin it is */
enum { I2C_AF = 4 };                            /* of all pins (DS11449) */
void i2c_lines_look(struct chip *c);            /* pins may be held low, or no longer */
void eeprom_init(struct chip *c);               /* as delivered: all ones */
void eeprom_power_on(struct chip *c);
/* A pin has changed; what it drives a pin to, or -1; there is a pull-up at the pin. */
void eeprom_pin(struct chip *c, unsigned port, unsigned pin, bool level);
int eeprom_drives(const struct chip *c, unsigned port, unsigned pin);
bool eeprom_pulls(const struct chip *c, unsigned port, unsigned pin);

/* ---- between the files of I2C ---- */

void i2c_update(struct chip *c, unsigned index); /* interrupts and DMA requests */
void i2c_flags(struct chip *c, unsigned index, uint32_t set);
void i2c_go_on(struct chip *c, unsigned index); /* the master proceeds as far as it can */
void i2c_count(struct i2c_state *s);            /* NBYTES is taken over */
void i2c_released(struct chip *c);              /* the bus or a stretching slave lets go */
uint32_t i2c_kernel_hz(const struct chip *c, unsigned index);
void i2c_stop(struct chip *c, unsigned index); /* the master's STOP begins */

/* i2c_bus.c: the other side. Functions tell false if SCL is stretched: ask again later. */
enum i2c_answer { I2C_NACK, I2C_ACK, I2C_STRETCH };
enum { I2C_NOBODY = 0xFF };
bool i2c_bus_connected(const struct chip *c, unsigned a, unsigned b);
bool i2c_bus_free(const struct chip *c, unsigned index);
uint8_t i2c_bus_address(struct chip *c, unsigned index, unsigned address, bool ten_bit,
                        bool read);                       /* who, or I2C_NOBODY */
bool i2c_bus_ready(const struct chip *c, uint8_t target); /* it has seen its address */
enum i2c_answer i2c_bus_put(struct chip *c, uint8_t target, uint8_t byte);
enum i2c_answer i2c_bus_get(struct chip *c, uint8_t target, uint8_t *byte);
void i2c_bus_got(struct chip *c, uint8_t target, bool ack); /* the master's answer to a byte */
void i2c_bus_end(struct chip *c, uint8_t target, bool restart);
void i2c_bus_broken(struct chip *c, unsigned index); /* the master lets go of both lines, wherever it is */
void i2c_bus_begin(struct chip *c, unsigned index);  /* all who are on it see a START */
void i2c_bus_fails(struct chip *c, uint8_t target);  /* a slave that sends finds SDA low */

/* eeprom.c: false if it does not acknowledge; a byte in and out; STOP, which writes, or a repeated START */
enum { EEPROM_ADDRESS = 0x50, EEPROM_PORT = 1, EEPROM_SCL = 10, EEPROM_SDA = 11 };
bool eeprom_fitted(const struct chip *c);
bool eeprom_select(struct chip *c, bool read);
void eeprom_put(struct chip *c, uint8_t byte);
uint8_t eeprom_get(struct chip *c);
void eeprom_end(struct chip *c, bool restart);
/* It was reached as a whole and is now at its pins: it gives this byte, of which so many bits were clocked;
 * or its acknowledge of a byte that it took; or it waits for START. */
void eeprom_gives(struct chip *c, uint8_t byte, unsigned clocked);
void eeprom_acknowledges(struct chip *c);
void eeprom_quiet(struct chip *c);

/* i2c_rivals.c: who else has the bus, as far as this one has seen; whether it may begin, and who then loses.
 */
bool i2c_in_the_way(const struct chip *c, unsigned index, unsigned other);
bool i2c_may_begin(const struct chip *c, unsigned index);
void i2c_compete(struct chip *c, unsigned index);
void i2c_outbid(struct chip *c, unsigned index, unsigned periods); /* it loses so long behind its START */
/* i2c_lines.c: the bus is lost, to `taken`: somebody outside. */
void i2c_lost(struct chip *c, unsigned index, bool taken);
/* SDA is held low while the byte goes out, which costs the bus if it has a one. */
bool i2c_loses(struct chip *c, unsigned index, unsigned bits_sent);
/* i2c_smbus.c */
void i2c_pec(struct i2c_state *s, uint8_t byte); /* a byte has gone over the bus */
void i2c_pec_address(struct i2c_state *s, unsigned address, bool ten_bit, bool read, bool header_only);
bool i2c_pec_next(const struct i2c_state *s); /* the next byte of NBYTES is the PEC */
bool i2c_pec_check(struct chip *c, unsigned index, uint8_t byte);
bool i2c_smbus_address(const struct i2c_state *s, unsigned address); /* it answers to that */
void i2c_byte_ends(struct chip *c, unsigned master);                 /* with its acknowledge */
void i2c_bus_idle(struct chip *c, unsigned index);                   /* a bus, from now on */
void i2c_schedule(struct chip *c, unsigned index);                   /* the master has got somewhere */
void i2c_time_out(struct chip *c, unsigned index);                   /* if it is time for that */
void i2c_idle_again(struct chip *c, unsigned index);                 /* its TIMEOUT is cleared */

#endif
