/* Lint of images, information block, messages, LED patterns. */
#include "cmocka_first.h"

#include "boot/core/config.h"
#include "boot/core/content.h"
#include "boot/core/image.h"
#include "boot/core/led.h"
#include "fakeport.h"
#include <string.h>

static const uint32_t good[16] = {0x20010000, 0x08004201, 0x08004301, 0x08004301, 0x08004301, 0x08004301,
                                  0x08004301, 0,          0,          0,          0,          0x08004301,
                                  0x08004301, 0,          0x08004301, 0x08004301};

static enum message lint_with(unsigned word, uint32_t value)
{
    uint32_t head[16];
    memcpy(head, good, sizeof head);
    head[word] = value;
    return image_lint(head, sizeof head);
}

static void vector_tables(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        unsigned word;
        uint32_t value;
        enum message m;
    } table[] = {
        {"stack at the end of RAM", 0, 0x20010000, MESSAGE_READY},
        {"stack at the start of RAM", 0, 0x20000000, MESSAGE_BAD_STACK},
        {"stack just above it", 0, 0x20000004, MESSAGE_READY},
        {"stack beyond RAM", 0, 0x20010004, MESSAGE_BAD_STACK},
        {"stack not a multiple of 4", 0, 0x20000402, MESSAGE_BAD_STACK},
        {"stack in SRAM2", 0, 0x10004000, MESSAGE_READY},
        {"stack at the start of SRAM2", 0, 0x10000000, MESSAGE_BAD_STACK},
        {"stack beyond SRAM2", 0, 0x10004004, MESSAGE_BAD_STACK},
        {"stack in flash", 0, 0x08004000, MESSAGE_BAD_STACK},
        {"blank", 0, 0xFFFFFFFF, MESSAGE_EMPTY},
        {"zero", 0, 0, MESSAGE_EMPTY},
        {"ELF", 0, 0x464C457F, MESSAGE_ELF_FILE},
        {"DfuSe", 0, 0x53756644, MESSAGE_DFU_FILE},
        {"HEX", 0, 0x3032303A, MESSAGE_HEX_FILE},
        {"reset not Thumb", 1, 0x08004200, MESSAGE_NOT_HERE},
        {"linked for 0x08000000", 1, 0x08000201, MESSAGE_NOT_HERE},
        {"reset at the last bootloader address", 1, 0x08003FFF, MESSAGE_NOT_HERE},
        {"reset inside the first vectors", 1, 0x08004001, MESSAGE_NOT_HERE},
        {"reset at the slot's end", 1, 0x0803EFFF, MESSAGE_READY},
        {"reset behind it", 1, 0x0803F001, MESSAGE_NOT_HERE},
        {"reset in RAM", 1, 0x20000101, MESSAGE_NOT_HERE},
        {"reset zero", 1, 0, MESSAGE_NOT_HERE},
        {"NMI in the bootloader", 2, 0x08000301, MESSAGE_NOT_HERE},
        {"SysTick in the bootloader", 15, 0x08003001, MESSAGE_NOT_HERE},
        {"PendSV missing", 14, 0, MESSAGE_READY},
        {"HardFault in RAM", 3, 0x20000101, MESSAGE_READY},
        {"anything in a reserved vector", 8, 0x08000301, MESSAGE_READY},
        {"anything in the information vector", 7, 0x08000301, MESSAGE_READY},
    };
    assert_int_equal(image_lint(good, sizeof good), MESSAGE_READY);
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        if (lint_with(table[i].word, table[i].value) != table[i].m)
            fail_msg("%s: %d", table[i].what, (int)lint_with(table[i].word, table[i].value));
}

/* A first block may be short: it is judged by what there is. */
static void short_beginnings(void **state)
{
    (void)state;
    uint32_t bad[16];
    memcpy(bad, good, sizeof bad);
    bad[15] = 0x08000001;
    for (size_t have = 0; have <= sizeof bad; have++)
        assert_int_equal(image_lint(bad, have), have == sizeof bad ? MESSAGE_NOT_HERE : MESSAGE_READY);
    bad[1] = 0x08000201;
    for (size_t have = 0; have <= sizeof bad; have++)
        assert_int_equal(image_lint(bad, have), have >= 8 ? MESSAGE_NOT_HERE : MESSAGE_READY);
}

static void information_block(void **state)
{
    (void)state;
    static const struct {
        uint32_t at;
        bool ok;
    } addresses[] = {{0, false},          {0x08004040, true},  {0x0800403C, false}, {0x08004042, false},
                     {0x0803EFD8, true},  {0x0803EFDC, false}, {0x0803F000, false}, {0x08000100, false},
                     {0xFFFFFFFF, false}, {0xFFFFFFFC, false}};
    struct image_head head;
    memcpy(&head, good, sizeof head);
    for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        head.vector[7] = addresses[i].at;
        assert_int_equal(image_info_address(&head), addresses[i].ok ? addresses[i].at : 0);
    }

    struct image_info info = {.magic = IMAGE_INFO_MAGIC, .size = sizeof info};
    assert_int_equal(sizeof info, 40);
    assert_memory_equal(&info.magic, "SBI1", 4);
    assert_true(image_info_valid(&info));
    info.size--;
    assert_false(image_info_valid(&info));
    info.size = 200;
    assert_true(image_info_valid(&info));
    info.magic++;
    assert_false(image_info_valid(&info));

    static const struct {
        uint32_t length;
        bool packed;
    } lengths[] = {{0, false},        {0x40 + 39, false},     {0x40 + 40, true},
                   {SLOT_SIZE, true}, {SLOT_SIZE + 1, false}, {0xFFFFFFFF, false}};
    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        info.length = lengths[i].length;
        assert_int_equal(image_info_packed(&info, SLOT_ADDR + 0x40), lengths[i].packed);
    }
    info.board = 0;
    assert_int_equal(image_info_board(&info), MESSAGE_READY);
    info.board = BOARD_ID;
    assert_int_equal(image_info_board(&info), MESSAGE_READY);
    info.board = BOARD_ID + 1;
    assert_int_equal(image_info_board(&info), MESSAGE_WRONG_BOARD);
}

/* ---- content of the slot ----------------------------------------------------------------- */

enum { AT = SLOT_ADDR - FLASH_ADDR, INFO = 0x200, LENGTH = 5003 };

/* A packed image in flash. */
static struct image_info *put_image(void)
{
    fake_init();
    for (uint32_t i = 0; i < LENGTH; i++)
        fake.flash[AT + i] = (uint8_t)fake_random();
    uint32_t head[16];
    memcpy(head, good, sizeof head);
    head[7] = SLOT_ADDR + INFO;
    memcpy(fake.flash + AT, head, sizeof head);
    struct image_info info = {
        .magic = IMAGE_INFO_MAGIC, .size = sizeof info, .version = 0x01020003, .length = LENGTH};
    memcpy(fake.flash + AT + INFO, &info, sizeof info);
    uint32_t hole = AT + INFO + offsetof(struct image_info, crc);
    uint32_t crc = fake_crc(0, fake.flash + AT, hole - AT);
    crc = fake_crc(crc, fake.flash + hole + 4, AT + LENGTH - hole - 4);
    memcpy(fake.flash + hole, &crc, 4);
    return (struct image_info *)(void *)(fake.flash + AT + INFO);
}

static void content_is_looked_at(void **state)
{
    (void)state;
    struct content c;
    struct image_info *info = put_image();
    content_look(&c);
    assert_int_equal(c.lint, MESSAGE_READY);
    assert_int_equal(c.info_address, SLOT_ADDR + INFO);
    assert_true(c.packed);
    assert_int_equal(content_matches_info(&c), YES);

    fake.flash[AT + LENGTH - 1] ^= 1;
    assert_int_equal(content_matches_info(&c), NO);
    fake.flash[AT + LENGTH - 1] ^= 1;
    fake.flash[AT + LENGTH] ^= 1; /* behind it */
    assert_int_equal(content_matches_info(&c), YES);
    fake.unreadable[(AT + 4000) / 8] = true;
    assert_int_equal(content_matches_info(&c), NO_ECC);
    assert_int_equal(c.bad, SLOT_ADDR + 4000);

    struct ledger_record r = {.length = LENGTH, .crc = fake_crc(0, fake.flash + AT, LENGTH)};
    assert_int_equal(content_matches_seal(&c, &r), NO_ECC);
    fake.unreadable[(AT + 4000) / 8] = false;
    assert_int_equal(content_matches_seal(&c, &r), YES);
    r.crc++;
    assert_int_equal(content_matches_seal(&c, &r), NO);
    r.length = 0;
    assert_int_equal(content_matches_seal(&c, &r), NO);
    r.length = SLOT_SIZE + 1;
    assert_int_equal(content_matches_seal(&c, &r), NO);

    info->board = 99;
    content_look(&c);
    assert_int_equal(c.lint, MESSAGE_WRONG_BOARD);
    fake.unreadable[(AT + INFO) / 8] = true;
    content_look(&c);
    assert_int_equal(c.lint, MESSAGE_UNREADABLE);
    fake.unreadable[AT / 8] = true;
    content_look(&c);
    assert_int_equal(c.lint, MESSAGE_UNREADABLE);
    assert_int_equal(c.bad, SLOT_ADDR);

    put_image()->magic = 0; /* not a block */
    content_look(&c);
    assert_int_equal(c.lint, MESSAGE_READY);
    assert_false(c.packed);
    fake.flash[AT + 0x1C] = 1; /* no address */
    content_look(&c);
    assert_int_equal(c.info_address, 0);
    memset(fake.flash + AT, 0xFF, 64);
    content_look(&c);
    assert_int_equal(c.lint, MESSAGE_EMPTY);
}

static void what_is_sealed(void **state)
{
    (void)state;
    struct image_info *info = put_image();
    struct ledger_record r = {.length = 4096};
    assert_int_equal(content_examine(&r), MESSAGE_READY); /* the image's own length counts */
    assert_int_equal(r.length, LENGTH);
    assert_int_equal(r.version, 0x01020003);
    assert_int_equal(r.crc, fake_crc(0, fake.flash + AT, LENGTH));

    fake.flash[AT + 3000] ^= 1;
    r.length = LENGTH;
    assert_int_equal(content_examine(&r), MESSAGE_DAMAGED);
    info->length = 0; /* not packed: then it is what was downloaded */
    r = (struct ledger_record){.length = 4000};
    assert_int_equal(content_examine(&r), MESSAGE_READY);
    assert_int_equal(r.length, 4000);
    assert_int_equal(r.crc, fake_crc(0, fake.flash + AT, 4000));
    fake.unreadable[(AT + 3992) / 8] = true;
    assert_int_equal(content_examine(&r), MESSAGE_UNREADABLE);
    fake.flash[AT + 4] = 2;
    assert_int_equal(content_examine(&r), MESSAGE_NOT_HERE);
}

/* ---- an image for the start of flash, with all its vectors in the slot ---- */

enum { LARGE = 0x8000 };

static void put32(uint32_t at, uint32_t word)
{
    memcpy(fake.flash + AT + at, &word, sizeof word);
}

/* Vector n points to a place of its own in the upper half of such an image, where it begins like this. */
static void handler(unsigned n, uint32_t linked_at, uint16_t begins)
{
    uint32_t at = 0x6000 + 16 * n;
    put32(4 * n, linked_at + at + 1);
    put32(at, begins);
}

static void large_image(uint32_t linked_at)
{
    fake_init();
    memset(fake.flash + AT, 0, LARGE);
    put32(0, 0x20010000);
    handler(1, linked_at, 0xF8DF); /* LDR.W SP: as Reset_Handlers do */
}

static enum message sealed_as(uint32_t length)
{
    struct ledger_record r = {.length = length};
    return content_examine(&r);
}

static void linked_below(void **state)
{
    (void)state;
    large_image(FLASH_ADDR);
    handler(2, FLASH_ADDR, 0xE7FE);
    handler(15, FLASH_ADDR, 0xB580);
    handler(16, FLASH_ADDR, 0x4668);
    assert_int_equal(sealed_as(LARGE), MESSAGE_READY); /* three say too little */
    for (unsigned n = 17; n < 98; n += 2)
        put32(4 * n, FLASH_ADDR + 0x6000 + 16 * 16 + 1); /* and the same one often no more */
    assert_int_equal(sealed_as(LARGE), MESSAGE_READY);
    handler(98, FLASH_ADDR, 0xB4F0); /* the last vector */
    assert_int_equal(sealed_as(LARGE), MESSAGE_NOT_HERE);
    for (unsigned n = 3; n < 6; n++)
        handler(n, FLASH_ADDR, 0xE7FE);
    put32(0x2000 + 16 * 98, 0xB510); /* one in the slot, where it points to, weighs four: 7 - 4 */
    assert_int_equal(sealed_as(LARGE), MESSAGE_READY);
    handler(6, FLASH_ADDR, 0xE7FE);
    assert_int_equal(sealed_as(LARGE), MESSAGE_NOT_HERE);
    assert_int_equal(content_unsealed(), MESSAGE_NOT_HERE);
    const struct image_info info = {.magic = IMAGE_INFO_MAGIC, .size = sizeof info};
    put32(4 * IMAGE_INFO_VECTOR, SLOT_ADDR + 0x200);
    memcpy(fake.flash + AT + 0x200, &info, sizeof info);
    assert_int_equal(sealed_as(LARGE), MESSAGE_READY);
    assert_int_equal(content_unsealed(), MESSAGE_UNFINISHED);

    large_image(FLASH_ADDR);
    for (unsigned n = 2; n < 5; n++)
        handler(n, FLASH_ADDR, 0xE7FE);
    put32(0x6FFC, 0x10000000);
    put32(0x7000, 0xB5);
    put32(4 * 98, FLASH_ADDR + 0x7000); /* not Thumb: no vector */
    assert_int_equal(sealed_as(LARGE), MESSAGE_READY);
    put32(4 * 98, FLASH_ADDR + LARGE + 1); /* behind its end, where something else may be */
    put32(LARGE, 0xB510);
    assert_int_equal(sealed_as(LARGE), MESSAGE_READY);

    large_image(SLOT_ADDR); /* the same where it belongs: as many as one likes */
    for (unsigned n = 2; n < 99; n++) {
        handler(n, SLOT_ADDR, 0xE7FE);
        assert_int_equal(sealed_as(LARGE), MESSAGE_READY);
        assert_int_equal(content_unsealed(), MESSAGE_UNFINISHED);
    }
    fake.unreadable[AT / 8] = true;
    assert_int_equal(content_unsealed(), MESSAGE_UNFINISHED);
}

/* ---- messages and LED -------------------------------------------------------------------- */

static void messages(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MESSAGE_COUNT; i++) {
        enum message m = (enum message)i;
        size_t n = strlen(message_sentence(m));
        assert_in_range(n, 20, 126);
        assert_int_equal(message_sentence(m)[n - 1], '.');
        assert_in_range(strcspn(message_sentence(m), ":"), 5, n - 2);
        if (i > 0)
            assert_int_not_equal(message_status(m), DFU_STATUS_OK);
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(message_sentence(m), message_sentence((enum message)k));
        for (const char *s = message_sentence(m); *s; s++)
            assert_in_range(*s, ' ', '~');
        /* a refusal that leaves the device in DFU is seen on the LED and in the product string */
        if (m <= MESSAGE_HEX_FILE)
            assert_in_range(strcspn(message_sentence(m), ":"), 5, 26); /* a few words */
        if (m != MESSAGE_READY && m != MESSAGE_EMPTY)
            assert_int_equal(message_blinks(m) > 0, m <= MESSAGE_HEX_FILE);
    }
    assert_int_equal(message_status(MESSAGE_READY), DFU_STATUS_OK);
    assert_int_equal(message_status(MESSAGE_PROGRAM), DFU_STATUS_ERR_PROG);
    assert_int_equal(message_blinks(MESSAGE_FAULT), 8);
    assert_null(message_sentence(MESSAGE_COUNT));
}

static void led(void **state)
{
    (void)state;
    for (uint32_t ms = 0; ms < 5000; ms++) /* no code: every 100 ms, for ever */
        assert_int_equal(led_at(ms, 0), ms / 100 % 2 == 0);
    for (unsigned blinks = 1; blinks <= 8; blinks++) {
        uint32_t period = 2000 + 1200 + 500 * blinks;
        unsigned rises = 0;
        for (uint32_t ms = 1; ms < period; ms++) {
            if (ms < 2000)
                assert_int_equal(led_at(ms, blinks), ms / 100 % 2 == 0);
            else
                rises += led_at(ms, blinks) && !led_at(ms - 1, blinks);
        }
        assert_int_equal(rises, blinks);
        assert_false(led_at(2000, blinks));
        assert_false(led_at(period - 1, blinks));
        assert_true(led_at(period, blinks));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vector_tables),     cmocka_unit_test(short_beginnings),
        cmocka_unit_test(information_block), cmocka_unit_test(content_is_looked_at),
        cmocka_unit_test(what_is_sealed),    cmocka_unit_test(linked_below),
        cmocka_unit_test(messages),          cmocka_unit_test(led),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
