/* The options of `--option NAME=VALUE`: what is fitted on this board and which of the data sheet's
 * figures its chip has. */
#include <string.h>

#include "board/internal.h"
#include "board/parse.h"

/* A row takes a word from `words` (its position is the value) or, if that is NULL, a number. */
struct row {
    struct vboard_option_info info;
    const char *const *words;
    uint64_t min, max;
    void (*set)(struct vboard *b, uint64_t value);
};

static void set_button(struct vboard *b, uint64_t v)
{
    b->b1_active_low = v == 1;
    board_drive_defaults(b);
}

static void set_vbat(struct vboard *b, uint64_t v)
{
    b->vbat_lost = v == 1;
}

static void set_hse(struct vboard *b, uint64_t v)
{
    chip_config(b->chip)->hse_hz = (uint32_t)v;
}

static void set_lse(struct vboard *b, uint64_t v)
{
    chip_config(b->chip)->lse = v == 1;
}

static void set_lse_startup(struct vboard *b, uint64_t v)
{
    chip_config(b->chip)->lse_startup = v * PS_PER_MS;
}

static void set_lsi(struct vboard *b, uint64_t v)
{
    chip_config(b->chip)->lsi_hz = (uint32_t)v;
}

static void set_flash(struct vboard *b, uint64_t v)
{
    chip_config(b->chip)->flash_slow = v == 1;
}

static void set_vdd(struct vboard *b, uint64_t v)
{
    chip_config(b->chip)->vdd_mv = (uint16_t)v;
}

static void set_silicon(struct vboard *b, uint64_t v)
{
    chip_config(b->chip)->rev_id = v == 0 ? 0x1000 : 0x1001;
}

static void set_eeprom(struct vboard *b, uint64_t v)
{
    chip_config(b->chip)->eeprom_kind = (enum eeprom_kind)v;
}

static void set_weak_low(struct vboard *b, uint64_t v)
{
    chip_config(b->chip)->weak_low = (uint32_t)v & ~7u;
}

static void set_weak_high(struct vboard *b, uint64_t v)
{
    chip_config(b->chip)->weak_high = (uint32_t)v & ~7u;
}

static void set_weak_fails(struct vboard *b, uint64_t v)
{
    chip_config(b->chip)->weak_fails = (uint32_t)v & ~7u;
}

static void set_spi1(struct vboard *b, uint64_t v)
{
    chip_config(b->chip)->spi[0] = (uint8_t)v;
}

static void set_spi2(struct vboard *b, uint64_t v)
{
    chip_config(b->chip)->spi[1] = (uint8_t)v;
}

static void set_spi3(struct vboard *b, uint64_t v)
{
    chip_config(b->chip)->spi[2] = (uint8_t)v;
}

static const char *const high_low[] = {"high", "low", NULL};
static const char *const kept_lost[] = {"kept", "lost", NULL};
static const char *const off_on[] = {"off", "on", NULL};
static const char *const typical_slow[] = {"typical", "slow", NULL};
static const char *const revisions[] = {"A", "Z", NULL};

static const char *const eeproms[] = {"none", "24c02", "24c64", NULL};

static const char *const attached[] = {"none", "loop", "registers", NULL};

/* clang-format off */
static const struct row rows[] = {
    {{"button", "high|low", "level of PC13 while B1 is pressed (default high)"}, high_low, 0, 0, set_button},
    {{"vbat", "kept|lost", "backup domain at --cut and between runs (default kept)"}, kept_lost, 0, 0, set_vbat},
    {{"hse", "0|4000000..48000000", "clock at PH0 in Hz; the ST-LINK's is 8000000 (0: none)"}, NULL, 0, 48000000, set_hse},
    {{"lse", "off|on", "32.768 kHz crystal fitted (default on)"}, off_on, 0, 0, set_lse},
    {{"lse-startup", "1..5000", "ms that the LSE takes to start (default 300)"}, NULL, 1, 5000, set_lse_startup},
    {{"lsi", "29500..34000", "frequency of this chip's LSI in Hz (default 32000)"}, NULL, 29500, 34000, set_lsi},
    {{"flash", "typical|slow", "programming and erase times (default typical)"}, typical_slow, 0, 0, set_flash},
    {{"weak-low", "0|ADDRESS", "worn flash: a cell there stays 0 when erased (0: none)"}, NULL, 0, 0x0803FFFF, set_weak_low},
    {{"weak-high", "0|ADDRESS", "worn flash: two cells there stay 1 when programmed (0)"}, NULL, 0, 0x0803FFFF, set_weak_high},
    {{"weak-fails", "0|ADDRESS", "worn flash: erase and program there only set OPERR (0)"}, NULL, 0, 0x0803FFFF, set_weak_fails},
    {{"vdd", "1710..3600", "supply in mV (default 3300)"}, NULL, 1710, 3600, set_vdd},
    {{"eeprom", "none|24c02|24c64", "EEPROM at 0x50 of I2C2, PB10 and PB11 (default 24c02)"}, eeproms, 0, 0, set_eeprom},
    {{"spi1", "none|loop|registers", "on SPI1: MOSI wired to MISO; registers selected by PA4"}, attached, 0, 0, set_spi1},
    {{"spi2", "none|loop|registers", "on SPI2, selected by PB12 (default none)"}, attached, 0, 0, set_spi2},
    {{"spi3", "none|loop|registers", "on SPI3, selected by PA15 (default none)"}, attached, 0, 0, set_spi3},
    {{"silicon", "A|Z", "revision in DBGMCU_IDCODE (default Z)"}, revisions, 0, 0, set_silicon},
};
/* clang-format on */
enum { ROWS = sizeof rows / sizeof rows[0] };

const struct vboard_option_info *vboard_option_at(size_t i)
{
    return i < ROWS ? &rows[i].info : NULL;
}

static bool value_of(const struct row *row, const char *text, uint64_t *value)
{
    if (row->words == NULL)
        return parse_number(text, row->max, value) && *value >= row->min;
    for (*value = 0; row->words[*value] != NULL; ++*value)
        if (strcmp(row->words[*value], text) == 0)
            return true;
    return false;
}

bool vboard_option(struct vboard *b, const char *name, const char *value)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        uint64_t v;
        if (strcmp(row->info.name, name) != 0)
            continue;
        bool ok = value_of(row, value, &v);
        if (ok && row->set == set_hse && v != 0 && v < 4000000)
            ok = false;
        bool address = row->set == set_weak_low || row->set == set_weak_high || row->set == set_weak_fails;
        if (ok && address && v != 0 && v < 0x08000000)
            ok = false;
        if (!ok)
            return refuse(&b->error, "option %s takes %s, not '%s'", name, row->info.values, value);
        row->set(b, v);
        return true;
    }
    return refuse(&b->error, "there is no option '%s'; vboard --help lists them", name);
}
