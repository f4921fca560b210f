/* DFU of the ROM stand-in: the state machine of AN3156, section by section. A command or a block is taken
 * by DNLOAD, carried out after the first GETSTATUS has answered dfuDNBUSY, and reported by the next. */
#include "boot/core/dfu.h"
#include "port/port.h"
#include "port/stm32l433/memory.h"
#include "rom/device.h"
#include "rom/rom.h"

/* Longest times of DS11449, in milliseconds, for what a poll time announces. */
enum { PAGE_ERASE_MS = 25, DOUBLE_WORD_US = 91 };

static struct {
    uint8_t state, status;
    uint32_t pointer;
    uint16_t block, size; /* of what waits in buffer; size 0: nothing does */
    bool left;
    uint8_t reply[6];
    uint8_t buffer[DFU_TRANSFER_SIZE];
} rom;

static uint32_t get32(const uint8_t *from)
{
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

static bool within(uint32_t addr, uint32_t size, uint32_t from, uint32_t length)
{
    return addr >= from && addr - from < length && size <= length - (addr - from);
}

static void fail(uint8_t status)
{
    rom.state = DFU_ERROR;
    rom.status = status;
}

/* ---- what DNLOAD has brought ------------------------------------------------------------- */

static void write(uint32_t addr)
{
    if (within(addr, rom.size, FLASH_ADDR, FLASH_SIZE) || within(addr, rom.size, ROM_OTP_ADDR, ROM_OTP_SIZE))
        rom_flash_program(addr, rom.buffer, rom.size);
    else if (addr == ROM_OPTION_ADDR && rom.size == ROM_OPTION_SIZE)
        rom_option_write(rom.buffer);
    else
        fail(DFU_STATUS_ERR_TARGET);
}

static void command(void)
{
    uint32_t addr = get32(rom.buffer + 1);
    bool in_flash = within(addr, 1, FLASH_ADDR, FLASH_SIZE);

    if (rom.buffer[0] == DFUSE_SET_ADDRESS && rom.size == 5) {
        rom.pointer = addr;
        if (!in_flash && !within(addr, 1, ROM_OTP_ADDR, ROM_OTP_SIZE) &&
            !within(addr, 1, ROM_OPTION_ADDR, ROM_OPTION_SIZE) && addr != ROM_FEATURE_ADDR)
            fail(DFU_STATUS_ERR_TARGET);
    } else if (rom.buffer[0] == DFUSE_UNPROTECT && rom.size == 1) {
        rom_read_unprotect();
    } else if (rom.buffer[0] == DFUSE_ERASE && !rom_flash_readable()) {
        fail(DFU_STATUS_ERR_VENDOR);
    } else if (rom.buffer[0] == DFUSE_ERASE && rom.size == 1) {
        rom_flash_erase_all();
    } else if (rom.buffer[0] == DFUSE_ERASE && rom.size == 5 && in_flash) {
        rom_flash_erase_page(addr);
    } else {
        fail(DFU_STATUS_ERR_TARGET);
    }
}

static uint32_t address_of(uint16_t block, uint16_t size)
{
    return rom.pointer + (block - 2u) * size;
}

/* The status stage of the GETSTATUS that said dfuDNBUSY is over. */
static void carry_out(void)
{
    if (rom.state == DFU_MANIFEST) {
        rom.left = true;
        return;
    }
    if (rom.state != DFU_DNBUSY)
        return;
    rom.state = DFU_DNLOAD_SYNC;
    if (rom.block == 0)
        command();
    else if (rom.block == 1)
        fail(DFU_STATUS_ERR_STALLEDPKT);
    else if (!rom_flash_readable())
        fail(DFU_STATUS_ERR_VENDOR);
    else
        write(address_of(rom.block, rom.size));
    rom.size = 0;
}

/* ---- requests ---------------------------------------------------------------------------- */

static enum usbd_answer stall(void)
{
    fail(DFU_STATUS_ERR_STALLEDPKT);
    return USBD_FAIL;
}

static enum usbd_answer on_dnload(struct usbd_control *c)
{
    if (rom.state != DFU_IDLE && rom.state != DFU_DNLOAD_IDLE)
        return stall();
    if (c->setup.wLength > sizeof rom.buffer)
        return stall();
    if (c->setup.wLength == 0) {
        rom.state = DFU_MANIFEST_SYNC;
        return USBD_ACK;
    }
    c->data = rom.buffer;
    c->size = sizeof rom.buffer;
    return USBD_ACK;
}

enum usbd_answer rom_dfu_data(struct usbd_control *c)
{
    rom.block = c->setup.wValue;
    rom.size = c->size;
    rom.state = DFU_DNLOAD_SYNC;
    return USBD_ACK;
}

static uint32_t poll_ms(void)
{
    if (rom.block == 0)
        return rom.buffer[0] == DFUSE_ERASE ? PAGE_ERASE_MS : 0;
    return rom.size / 8u * DOUBLE_WORD_US / 1000 + 1;
}

static enum usbd_answer on_status(struct usbd_control *c)
{
    uint32_t poll = 0;
    if (rom.state == DFU_DNLOAD_SYNC && rom.size > 0) {
        rom.state = DFU_DNBUSY;
        poll = poll_ms();
    } else if (rom.state == DFU_DNLOAD_SYNC) {
        rom.state = DFU_DNLOAD_IDLE;
    } else if (rom.state == DFU_MANIFEST_SYNC) {
        rom.state = DFU_MANIFEST;
        poll = 1;
    }
    rom.reply[0] = rom.status;
    rom.reply[1] = (uint8_t)poll;
    rom.reply[2] = rom.reply[3] = 0;
    rom.reply[4] = rom.state;
    rom.reply[5] = 0;
    c->data = rom.reply;
    c->size = sizeof rom.reply;
    c->done = carry_out;
    return USBD_ACK;
}

/* The option bytes are read as they are stored, all at once; what the device feature says is not
 * documented: zeros. */
static enum usbd_answer on_upload(struct usbd_control *c)
{
    static const uint8_t commands[] = {DFUSE_GET, DFUSE_SET_ADDRESS, DFUSE_ERASE, DFUSE_UNPROTECT};
    uint16_t size = c->setup.wLength, block = c->setup.wValue;

    if ((rom.state != DFU_IDLE && rom.state != DFU_UPLOAD_IDLE) || size == 0 || size > sizeof rom.buffer ||
        block == 1)
        return stall();
    if (block == 0) {
        __builtin_memcpy(rom.buffer, commands, sizeof commands);
        c->size = sizeof commands;
        rom.state = DFU_IDLE;
    } else {
        uint32_t addr = address_of(block, size);
        if (!rom_flash_readable()) {
            fail(DFU_STATUS_ERR_VENDOR);
            return USBD_FAIL;
        }
        if (within(addr, size, FLASH_ADDR, FLASH_SIZE) || within(addr, size, ROM_OTP_ADDR, ROM_OTP_SIZE) ||
            (addr == ROM_OPTION_ADDR && size == ROM_OPTION_SIZE)) {
            for (uint32_t i = 0; i < size; i++)
                rom.buffer[i] = ((const volatile uint8_t *)addr)[i];
        } else if (addr == ROM_FEATURE_ADDR && size == ROM_FEATURE_SIZE) {
            __builtin_memset(rom.buffer, 0, ROM_FEATURE_SIZE);
        } else {
            fail(DFU_STATUS_ERR_TARGET);
            return USBD_FAIL;
        }
        c->size = size;
        rom.state = DFU_UPLOAD_IDLE;
    }
    c->data = rom.buffer;
    return USBD_ACK;
}

static enum usbd_answer on_abort(void)
{
    switch (rom.state) {
    case DFU_IDLE:
    case DFU_DNLOAD_SYNC:
    case DFU_DNLOAD_IDLE:
    case DFU_MANIFEST_SYNC:
    case DFU_UPLOAD_IDLE:
        rom.state = DFU_IDLE;
        rom.size = 0;
        return USBD_ACK;
    default: return stall();
    }
}

enum usbd_answer rom_dfu_setup(struct usbd_control *c)
{
    if ((c->setup.bmRequestType & (USB_TYPE_MASK | USB_RECIPIENT_MASK)) !=
            (USB_TYPE_CLASS | USB_RECIPIENT_INTERFACE) ||
        c->setup.wIndex != 0)
        return USBD_FAIL;
    bool in = c->setup.bmRequestType & USB_DIR_IN;
    switch (c->setup.bRequest) {
    case DFU_REQ_DNLOAD: return in ? stall() : on_dnload(c);
    case DFU_REQ_UPLOAD: return in ? on_upload(c) : stall();
    case DFU_REQ_GETSTATUS: return in ? on_status(c) : stall();
    case DFU_REQ_CLRSTATUS:
        if (in || rom.state != DFU_ERROR)
            return stall();
        rom.state = DFU_IDLE;
        rom.status = DFU_STATUS_OK;
        return USBD_ACK;
    case DFU_REQ_GETSTATE:
        c->data = &rom.state;
        c->size = 1;
        return in ? USBD_ACK : stall();
    case DFU_REQ_ABORT: return in ? stall() : on_abort();
    default: return stall(); /* DETACH has no meaning in DFU mode */
    }
}

void rom_dfu_event(enum usbd_event event, uint8_t arg)
{
    (void)arg;
    if (event == USBD_RESET || event == USBD_CONFIGURED) {
        rom.state = DFU_IDLE;
        rom.status = DFU_STATUS_OK;
        rom.size = 0;
    }
}

void rom_dfu_start(void)
{
    rom.state = DFU_IDLE;
    rom.pointer = FLASH_ADDR; /* where a leave goes without any Set Address */
    rom_device_start();
}

bool rom_dfu_left(uint32_t *vectors)
{
    *vectors = rom.pointer;
    return *(volatile bool *)&rom.left;
}
