/* The bootloader, first version, in one file: boot path, DFU world, DfuSe with one operation at a time
 * while the host polls GETSTATUS. */
#include "port/port.h"
#include "port/stm32l433/memory.h"
#include "usb/serial.h"
#include "usb/usbd.h"

enum { DFU_TRANSFER_SIZE = 2048 };

/* ---- DfuSe ------------------------------------------------------------------------------- */

enum { DETACH, DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT };

enum dfu_state {
    dfuIDLE = 2,
    dfuDNLOAD_SYNC,
    dfuDNBUSY,
    dfuDNLOAD_IDLE,
    dfuMANIFEST_SYNC,
    dfuMANIFEST,
    dfuMANIFEST_WAIT_RESET,
    dfuUPLOAD_IDLE,
    dfuERROR
};

enum dfu_status { OK = 0, errTARGET = 1, errWRITE = 3, errERASE = 4, errADDRESS = 8, errSTALLEDPKT = 15 };

enum { GET_COMMANDS = 0x00, SET_ADDRESS = 0x21, ERASE = 0x41 };
enum { ERASE_MS = 23, PROGRAM_MS = 21 };

static struct {
    uint8_t state, status;
    bool leaving;
    uint32_t pointer;
    uint16_t unit; /* length of the first block since the pointer was set: what block numbers count in */
    uint16_t block, size; /* of the last DNLOAD */
    enum { NOTHING, ERASING, ERASING_ALL, PROGRAMMING } work;
    uint32_t page; /* mass erase: the page at work */
} dfu = {.state = dfuIDLE, .pointer = SLOT_ADDR};
static uint8_t block[DFU_TRANSFER_SIZE] __attribute__((aligned(4)));

static enum usbd_answer fail(uint8_t status)
{
    dfu.state = dfuERROR;
    dfu.status = status;
    return USBD_FAIL;
}

static bool in_slot(uint32_t addr, uint32_t size)
{
    return addr >= SLOT_ADDR && addr - SLOT_ADDR <= SLOT_SIZE && size <= SLOT_SIZE - (addr - SLOT_ADDR);
}

static uint32_t block_address(uint16_t number, uint16_t size)
{
    if (!dfu.unit)
        dfu.unit = size;
    return dfu.pointer + (uint32_t)(number - 2) * dfu.unit;
}

/* What DNLOAD has brought is done at the first GETSTATUS after it. */
static uint8_t execute(void)
{
    uint32_t addr;

    if (dfu.block >= 2) {
        addr = block_address(dfu.block, dfu.size);
        if (addr % 8 || !in_slot(addr, dfu.size))
            return errADDRESS;
        if (addr / FLASH_PAGE_SIZE != (addr + dfu.size - 1) / FLASH_PAGE_SIZE)
            return errADDRESS;
        while (dfu.size % 8)
            block[dfu.size++] = 0xFF;
        dfu.work = PROGRAMMING;
        port_flash_program(addr, block, dfu.size);
        return OK;
    }
    if (dfu.size == 1 && block[0] == ERASE) {
        dfu.work = ERASING_ALL;
        dfu.page = SLOT_ADDR;
        port_flash_erase(dfu.page);
        return OK;
    }
    __builtin_memcpy(&addr, block + 1, 4);
    if (dfu.size != 5 || !in_slot(addr, 1))
        return dfu.size != 5 ? errSTALLEDPKT : errTARGET;
    if (block[0] == SET_ADDRESS) {
        dfu.pointer = addr;
        dfu.unit = 0;
        return OK;
    }
    if (block[0] == ERASE) {
        dfu.work = ERASING;
        port_flash_erase(addr - addr % FLASH_PAGE_SIZE);
        return OK;
    }
    return errSTALLEDPKT;
}

void port_flash_done(enum port_flash_result result)
{
    if (result == PORT_FLASH_OK && dfu.work == ERASING_ALL) {
        dfu.page += FLASH_PAGE_SIZE;
        if (dfu.page < SLOT_ADDR + SLOT_SIZE) {
            port_flash_erase(dfu.page);
            return;
        }
    }
    port_flash_forget();
    if (result != PORT_FLASH_OK) {
        dfu.state = dfuERROR;
        dfu.status = dfu.work == PROGRAMMING ? errWRITE : errERASE;
    }
    dfu.work = NOTHING;
}

static enum usbd_answer get_status(struct usbd_control *c)
{
    unsigned poll = 0;

    if (dfu.state == dfuDNLOAD_SYNC) {
        uint8_t status = execute();
        dfu.state = status ? dfuERROR : dfuDNBUSY;
        dfu.status = status;
    } else if (dfu.state == dfuDNBUSY && dfu.work == NOTHING) {
        dfu.state = dfuDNLOAD_IDLE;
    } else if (dfu.state == dfuMANIFEST_SYNC) {
        dfu.state = dfuMANIFEST;
    }
    if (dfu.state == dfuDNBUSY)
        poll = dfu.work == PROGRAMMING ? PROGRAM_MS : dfu.work == NOTHING ? 0 : ERASE_MS;
    c->data[0] = dfu.status;
    c->data[1] = (uint8_t)poll;
    c->data[2] = c->data[3] = 0;
    c->data[4] = dfu.state;
    c->data[5] = 0;
    c->size = 6;
    return USBD_ACK;
}

static void manifest_told(void)
{
    if (dfu.state == dfuMANIFEST)
        dfu.leaving = true;
}

static enum usbd_answer upload(struct usbd_control *c)
{
    static const uint8_t commands[] = {GET_COMMANDS, SET_ADDRESS, ERASE};
    const struct usb_setup *s = &c->setup;

    if (dfu.state != dfuIDLE && dfu.state != dfuUPLOAD_IDLE)
        return fail(errSTALLEDPKT);
    if (s->wValue == 0) {
        c->data = (uint8_t *)(uintptr_t)commands;
        c->size = sizeof commands;
        return USBD_ACK;
    }
    if (s->wValue == 1 || s->wLength > DFU_TRANSFER_SIZE)
        return fail(errSTALLEDPKT);
    uint32_t addr = block_address(s->wValue, s->wLength);
    if (!in_slot(addr, 0))
        return fail(errADDRESS);
    uint32_t left = SLOT_ADDR + SLOT_SIZE - addr;
    c->size = left < s->wLength ? (uint16_t)left : s->wLength;
    c->data = block;
    port_flash_read(addr, block, c->size, NULL);
    dfu.state = c->size < s->wLength ? dfuIDLE : dfuUPLOAD_IDLE;
    return USBD_ACK;
}

static enum usbd_answer download(struct usbd_control *c)
{
    const struct usb_setup *s = &c->setup;

    if ((dfu.state != dfuIDLE && dfu.state != dfuDNLOAD_IDLE) || s->wLength > sizeof block ||
        (s->wLength > 0 && s->wValue == 1))
        return fail(errSTALLEDPKT);
    dfu.block = s->wValue;
    c->data = block;
    c->size = sizeof block;
    if (s->wLength == 0)
        dfu.state = dfuMANIFEST_SYNC;
    return USBD_ACK;
}

static enum usbd_answer setup(struct usbd_control *c)
{
    const struct usb_setup *s = &c->setup;
    bool in = s->bRequest == UPLOAD || s->bRequest == GETSTATUS || s->bRequest == GETSTATE;

    if (s->bmRequestType != ((in ? USB_DIR_IN : 0) | USB_TYPE_CLASS | USB_RECIPIENT_INTERFACE) ||
        s->wIndex != 0)
        return USBD_FAIL;
    switch (s->bRequest) {
    case DNLOAD: return download(c);
    case UPLOAD: return upload(c);
    case GETSTATUS: c->done = manifest_told; return get_status(c);
    case GETSTATE:
        c->data[0] = dfu.state;
        c->size = 1;
        return USBD_ACK;
    case CLRSTATUS:
        if (dfu.state != dfuERROR)
            return fail(errSTALLEDPKT);
        dfu.state = dfuIDLE;
        dfu.status = OK;
        return USBD_ACK;
    case ABORT:
        if (dfu.state != dfuIDLE && dfu.state != dfuDNLOAD_SYNC && dfu.state != dfuDNLOAD_IDLE &&
            dfu.state != dfuUPLOAD_IDLE)
            return fail(errSTALLEDPKT);
        dfu.state = dfuIDLE;
        return USBD_ACK;
    default: return fail(errSTALLEDPKT);
    }
}

static enum usbd_answer data(struct usbd_control *c)
{
    if (c->size != c->setup.wLength)
        return fail(errSTALLEDPKT);
    dfu.size = c->size;
    dfu.state = dfuDNLOAD_SYNC;
    return USBD_ACK;
}

static void event(enum usbd_event event, uint8_t arg)
{
    (void)arg;
    if (event == USBD_RESET || event == USBD_CONFIGURED) {
        dfu.state = dfu.work == NOTHING ? dfuIDLE : dfuDNBUSY;
        dfu.status = OK;
    }
}

static const struct usbd_function dfu_function = {.setup = setup, .data = data, .event = event};

/* ---- the device -------------------------------------------------------------------------- */

static const struct usb_device_descriptor device_descriptor = {
    .bLength = sizeof(struct usb_device_descriptor),
    .bDescriptorType = USB_DESC_DEVICE,
    .bcdUSB = 0x0200,
    .bMaxPacketSize0 = USBD_EP0_SIZE,
    .idVendor = 0x0483,
    .idProduct = 0xDF11,
    .bcdDevice = 0x0100,
    .iManufacturer = 1,
    .iProduct = 2,
    .iSerialNumber = 3,
    .bNumConfigurations = 1,
};

static const struct {
    struct usb_config_descriptor config;
    struct usb_interface_descriptor interface;
    struct usb_dfu_descriptor dfu;
} USB_PACKED configuration = {
    .config =
        {
            .bLength = sizeof(struct usb_config_descriptor),
            .bDescriptorType = USB_DESC_CONFIGURATION,
            .wTotalLength = sizeof configuration,
            .bNumInterfaces = 1,
            .bConfigurationValue = 1,
            .bmAttributes = USB_CONF_RESERVED,
            .bMaxPower = 50,
        },
    .interface =
        {
            .bLength = sizeof(struct usb_interface_descriptor),
            .bDescriptorType = USB_DESC_INTERFACE,
            .bInterfaceClass = 0xFE,
            .bInterfaceSubClass = 1,
            .bInterfaceProtocol = 2,
            .iInterface = 4,
        },
    .dfu =
        {
            .bLength = sizeof(struct usb_dfu_descriptor),
            .bDescriptorType = USB_DESC_DFU,
            .bmAttributes = 0x0B, /* download, upload, will detach; not manifestation tolerant */
            .wDetachTimeOut = 255,
            .wTransferSize = DFU_TRANSFER_SIZE,
            .bcdDFUVersion = 0x011A,
        },
};

static char serial[USB_SERIAL_SIZE];

static const char *string(uint8_t index)
{
    static const char *const strings[] = {
        [1] = "sureboot",
        [2] = "sureboot",
        [3] = serial,
        [4] = "@Internal Flash   /0x08004000/118*002Kg",
    };
    return index < sizeof strings / sizeof *strings ? strings[index] : NULL;
}

static const struct usbd_function *const functions[] = {&dfu_function, NULL};
static const struct usbd_device device = {
    .driver = &port_usb,
    .device = &device_descriptor,
    .configuration = &configuration.config,
    .string = string,
    .functions = functions,
};

static bool passed(uint32_t since, uint32_t ms)
{
    return port_ms() - since >= ms;
}

__attribute__((noreturn)) static void serve(void)
{
    port_unlock();
    port_init();
    uint32_t uid[3];
    port_uid(uid);
    usb_serial(serial, uid);
    usbd_init(&device);
    usbd_connect(true);

    uint32_t blinked = port_ms(), left = 0;
    bool led = true, leaving = false;
    port_led(led);
    for (;;) {
        port_watchdog();
        if (passed(blinked, 100)) {
            blinked += 100;
            port_led(led = !led);
        }
        if (dfu.leaving && !leaving) {
            leaving = true;
            left = port_ms();
            usbd_connect(false);
        }
        if (leaving && passed(left, 21)) /* long enough for a hub to notice */
            port_reset();
        port_lock();
        port_wait();
        port_unlock();
    }
}

/* ---- boot path --------------------------------------------------------------------------- */

/* A vector table that could run here: a stack in SRAM, a start in the slot. */
static bool looks_startable(void)
{
    uint32_t word[2];
    if (!port_flash_read(SLOT_ADDR, word, sizeof word, NULL))
        return false;
    uint32_t sp = word[0], pc = word[1];
    return sp % 4 == 0 && sp > RAM_ADDR && sp <= RAM_ADDR + RAM_SIZE && (pc & 1) && pc > SLOT_ADDR &&
           pc < SLOT_ADDR + SLOT_SIZE;
}

void boot_main(void)
{
    port_watchdog();
    if (port_empty_check_stale())
        port_reload_options();
    uint32_t token = port_token_get();
    if (port_was_jumped_to() && !port_reset_goes_to_rom() && (token & ~1ul) != TOKEN_RESET) {
        port_token_set(TOKEN_RESET | (token == TOKEN_DFU));
        port_reset();
    }
    if (token == (TOKEN_RESET | 1))
        token = TOKEN_DFU;
    if (token == TOKEN_FAULT)
        token = TOKEN_DFU;
    if (token != 0)
        port_token_set(0);
    if (token == TOKEN_ROM)
        port_start_rom();
    if (token != TOKEN_DFU && looks_startable())
        port_start(SLOT_ADDR);
    port_enter_ram();
    serve();
}
