/* The application kit has its own copy of the formats that it shares with the bootloader, so that a
 * project takes three files and no folders: both say the same. */
#include "cmocka_first.h"

#include "app/sureboot.h"
#include "boot/core/image.h"
#include "boot/core/mailbox.h"
#include "port/port.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAME_PLACE(ours, member, theirs, other)                                                              \
    assert_int_equal(offsetof(ours, member), offsetof(theirs, other));                                       \
    assert_int_equal(sizeof(((ours *)0)->member), sizeof(((theirs *)0)->other))

static void information_block(void **state)
{
    (void)state;
    typedef struct sureboot_info kit;
    typedef struct image_info boot;
    assert_int_equal(sizeof(kit), sizeof(boot));
    SAME_PLACE(kit, magic, boot, magic);
    SAME_PLACE(kit, size, boot, size);
    SAME_PLACE(kit, flags, boot, flags);
    SAME_PLACE(kit, version, boot, version);
    SAME_PLACE(kit, board, boot, board);
    SAME_PLACE(kit, length, boot, length);
    SAME_PLACE(kit, crc, boot, crc);
    SAME_PLACE(kit, name, boot, name);
    assert_int_equal(SUREBOOT_INFO_MAGIC, IMAGE_INFO_MAGIC);
    assert_int_equal(SUREBOOT_WANTS_CONFIRM, IMAGE_WANTS_CONFIRM);
    assert_int_equal(SUREBOOT_HAS_MAILBOX, IMAGE_HAS_MAILBOX);
    assert_int_equal(SUREBOOT_NUCLEO_L433RC_P, BOARD_ID);
}

static void mailbox(void **state)
{
    (void)state;
    typedef struct sureboot_mailbox kit;
    typedef struct mailbox boot;
    assert_int_equal(sizeof(kit), sizeof(boot));
    SAME_PLACE(kit, magic, boot, magic);
    SAME_PLACE(kit, cause, boot, cause);
    SAME_PLACE(kit, verdict, boot, verdict);
    SAME_PLACE(kit, flags, boot, flags);
    SAME_PLACE(kit, starts, boot, starts);
    SAME_PLACE(kit, confirm_at, boot, confirm_at);
    SAME_PLACE(kit, confirm, boot, confirm);
    SAME_PLACE(kit, crash, boot, crash);
    SAME_PLACE(kit, check, boot, check);
    SAME_PLACE(struct sureboot_crash, kind, struct crash, kind);
    SAME_PLACE(struct sureboot_crash, pc, struct crash, pc);
    SAME_PLACE(struct sureboot_crash, lr, struct crash, lr);
    SAME_PLACE(struct sureboot_crash, cfsr, struct crash, cfsr);
    SAME_PLACE(struct sureboot_crash, hfsr, struct crash, hfsr);
    SAME_PLACE(struct sureboot_crash, address, struct crash, address);
    assert_int_equal(SUREBOOT_MAILBOX_MAGIC, MAILBOX_MAGIC);
    assert_int_equal(SUREBOOT_MAILBOX_SIZE, MAILBOX_SIZE);
    assert_int_equal(SUREBOOT_UNDONE, MAILBOX_UNDONE);
    assert_int_equal(SUREBOOT_CLEARED, MAILBOX_CLEARED);
}

static void reset_causes(void **state)
{
    (void)state;
    assert_int_equal(SUREBOOT_RESET_FIREWALL, PORT_RESET_FIREWALL);
    assert_int_equal(SUREBOOT_RESET_OPTIONS, PORT_RESET_OPTIONS);
    assert_int_equal(SUREBOOT_RESET_PIN, PORT_RESET_PIN);
    assert_int_equal(SUREBOOT_RESET_POWER, PORT_RESET_POWER);
    assert_int_equal(SUREBOOT_RESET_SOFTWARE, PORT_RESET_SOFTWARE);
    assert_int_equal(SUREBOOT_RESET_WATCHDOG, PORT_RESET_WATCHDOG);
    assert_int_equal(SUREBOOT_RESET_WINDOW_WATCHDOG, PORT_RESET_WINDOW_WATCHDOG);
    assert_int_equal(SUREBOOT_RESET_LOW_POWER, PORT_RESET_LOW_POWER);
    assert_int_equal(SUREBOOT_WAKE, PORT_WAKE);
    assert_int_equal(SUREBOOT_BKP, TOKEN_BKP);
}

static char text[16384];

static void load(const char *path)
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    assert_int_equal(fclose(f), 0);
}

/* The number behind `what`, as C and the linker write them. */
static unsigned long number_after(const char *what)
{
    const char *at = strstr(text, what);
    if (!at) {
        fail_msg("there is no \"%s\"", what);
        return 0;
    }
    return strtoul(at + strlen(what), NULL, 0);
}

static void addresses(void **state)
{
    (void)state;
    load("app/sureboot.c");
    assert_int_equal(number_after("ALONE_ADDR = "), FLASH_ADDR);
    assert_int_equal(number_after("LEDGER_ADDR = "), LEDGER_ADDR);
    assert_int_equal(number_after("LEDGER_SIZE = "), LEDGER_SIZE);
    assert_int_equal(number_after("PAGE_SIZE = "), FLASH_PAGE_SIZE);
    assert_int_equal(number_after("SYSTEM_ADDR = "), SYSTEM_ADDR);
    assert_int_equal(number_after("#define TOKEN_DFU "), TOKEN_DFU);
    assert_int_equal(number_after("#define TOKEN_ROM "), TOKEN_ROM);
    load("app/sureboot.ld");
    assert_int_equal(number_after("SUREBOOT_MAILBOX : ORIGIN = "), MAILBOX_ADDR);
    assert_int_equal(number_after("SUREBOOT_MAILBOX_ALIAS : ORIGIN = "),
                     MAILBOX_ADDR - 0x2000C000 + SRAM2_ADDR);
    assert_int_equal(number_after("sureboot_mailbox = .;\n        . += "), MAILBOX_SIZE);
    assert_int_equal(number_after("DEFINED(sureboot_alone) ? "), FLASH_ADDR);
    assert_int_equal(number_after("DEFINED(sureboot_alone) ? 0x08000000 : "), SLOT_ADDR);
    assert_int_equal(number_after("SIZEOF(.data) <= "), SLOT_ADDR + SLOT_SIZE);
    assert_int_equal(number_after("_estack : 0) <= "), MAILBOX_ADDR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(information_block),
        cmocka_unit_test(mailbox),
        cmocka_unit_test(reset_causes),
        cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
