"""The codes of what can be wrong with market data: title, cause, fix. Data only; who raises them is elsewhere."""

from __future__ import annotations

from stratoquant.runtime.errors import CodePage

_PAGES = (
    CodePage(
        "D001",
        "file cannot be read",
        "The file is not Parquet, was cut short while it was copied, or is damaged.",
        "Copy or download it again; a CSV or Feather file is brought in with `stratoquant data import`.",
    ),
    CodePage(
        "D002",
        "nothing there",
        "The path does not exist, or the folder holds no file of bars.",
        "Give the file, or the folder in which the Parquet files lie.",
    ),
    CodePage("D003", "no rows", "The file has columns but not one bar.", "Remove the file or fill it."),
    CodePage(
        "D004",
        "column missing",
        "A bar needs time, open, high, low, close and volume, under these names.",
        "Import the file anew and say what the column is called there, such as --map close=Last.",
    ),
    CodePage(
        "D005",
        "not numbers",
        "A column that must hold numbers holds text, or a type that is not a number.",
        "Import the file anew with `stratoquant data import`, and correct or remove the text that is no number.",
    ),
    CodePage("D006", "time missing", "A row has no time.", "Remove the row, or import the file from its source again."),
    CodePage(
        "D007",
        "price missing",
        "An open, high, low or close is null or NaN. A minute without a trade is a row that is not there.",
        "Remove the row: the gap it leaves is understood as such.",
    ),
    CodePage("D008", "price infinite", "A price is infinite.", "Remove the row, or fetch the bar again."),
    CodePage(
        "D009",
        "price not positive",
        "A price is zero or negative. Returns are logarithmic, so such a price has none.",
        "Remove the row, or fetch the bar again.",
    ),
    CodePage(
        "D010",
        "high too low",
        "The high is below the open, the close or the low of its own bar, by more than a rounding (1e-12 of it).",
        "Fetch the bar again; check that the columns were not mixed up on import.",
    ),
    CodePage(
        "D011",
        "low too high",
        "The low is above the open or the close of its own bar, by more than a rounding (1e-12 of it).",
        "Fetch the bar again; check that the columns were not mixed up on import.",
    ),
    CodePage(
        "D012",
        "volume impossible",
        "A volume is negative, missing or infinite.",
        "Fetch the bar again; where the source has no volume at all, import 0 in every row: it means unknown (D042).",
    ),
    CodePage(
        "D013",
        "time goes back",
        "A bar is older than the bar before it.",
        "Sort the file by symbol and time.",
    ),
    CodePage(
        "D014",
        "bar twice",
        "Two rows of one symbol have the same time, so it is unknown which of them is the bar.",
        "Keep one of them.",
    ),
    CodePage(
        "D015",
        "bar off the clock",
        "A bar does not open when the others of its symbol do. Hours may open at half past, days at 22:00 UTC and "
        "weeks on Sundays, as long as all do; those of an exchange with summer time shift by an hour twice a year.",
        "Correct or remove such rows; where all are off, give the clock that the bars have, or get finer bars and "
        "resample them, such as --clock 1d@22:00.",
    ),
    CodePage(
        "D016",
        "another symbol",
        "A file that should hold one symbol holds others as well, or a row that names none.",
        "Split the file, or choose the symbols to run.",
    ),
    CodePage(
        "D017",
        "symbols interleaved",
        "The rows of a symbol do not lie together, so the file cannot be read in pieces.",
        "Sort the file by symbol and time; `stratoquant data import` does it.",
    ),
    CodePage(
        "D018",
        "symbol unknown",
        "No file holds bars of this symbol.",
        "Choose one of the symbols that exist, or import the data.",
    ),
    CodePage(
        "D019",
        "periods overlap",
        "Two files hold bars of one symbol over the same time, so it is unknown which of them counts.",
        "Move one of the files out of the folder, or give a single file as the path.",
    ),
    CodePage(
        "D020",
        "bars finer than the clock",
        "Several bars would fall in one step of the base clock.",
        "Run on the finer clock, or write slower bars with `stratoquant data resample`.",
    ),
    CodePage(
        "D021",
        "bars coarser than the clock",
        "A bar known only at its close would be used at its open, before it is over.",
        "Run on the clock of the slowest symbol and resample the faster ones to it.",
    ),
    CodePage(
        "D022",
        "nothing in the period",
        "The chosen start and end leave no bar.",
        "Choose a period in which the data has bars.",
    ),
    CodePage(
        "D023",
        "columns not recognised",
        "On import it is not plain which column of the source is which.",
        "Say so, such as --map time=Date --map volume=Vol.",
    ),
    CodePage(
        "D024",
        "times not understood",
        "Times are UTC milliseconds. On import, seconds, micro- and nanoseconds, dates and ISO text are known as well.",
        "Import the file with `stratoquant data import`; --time-format takes a strptime pattern.",
    ),
    CodePage(
        "D025",
        "book crossed",
        "The best bid is not below the best ask. Layer L0 will not use such a book, so loading allows it.",
        "Nothing, if these are few; otherwise look at how the book was recorded.",
    ),
    CodePage(
        "D026",
        "more bought than traded",
        "The volume bought by takers is negative or exceeds the volume of the bar.",
        "Check on import that both columns are in the base asset.",
    ),
    CodePage(
        "D027",
        "not a recording",
        "Depth has recv_ns, first_id, last_id, side, price, qty, is_snapshot and, where the exchange says it, prev_id; "
        "trades have recv_ns, trade_id, price, qty and buyer_is_maker.",
        "Name the depth file first and the trades second, or rename the recorder's columns to these.",
    ),
    CodePage(
        "D028",
        "recorded row impossible",
        "A row of a recording has no sound time, price, quantity or number, or a side that is neither 1 nor -1.",
        "Record again, or correct the rows from their source: a book made of guesses is none.",
    ),
    CodePage(
        "D029",
        "recording out of order",
        "Rows must lie in the order of their receipt. The recorder's clock was set back, or the file was sorted anew.",
        "Restore the order in which the rows came; where the clock was set back, cut the recording there.",
    ),
    CodePage(
        "D030",
        "no snapshot",
        "Updates change a book that must be known first: rows with is_snapshot = 1.",
        "Record the exchange's snapshot beside its updates, and put it into the file at its receipt.",
    ),
    CodePage(
        "D031",
        "recording broken",
        "Something between two messages was lost or is there twice, so the book after it is not that of the exchange.",
        "Cut the recording there, and begin the second part with a snapshot of its own.",
    ),
    CodePage(
        "D032",
        "recorded book crossed",
        "The best bid is not below the best ask, so an update was lost or misplaced, or was read with a wrong side.",
        "Compare the row with its source; a recording can be cut before it.",
    ),
    CodePage(
        "D033",
        "recorder's clock off",
        "On the median, messages were received before they were sent, or much later. Bars are dated by that clock; "
        "their order, and what was known when, are not touched.",
        "Nothing for a backtest of this symbol alone; beside data of another clock, set the recorder's clock right.",
    ),
    CodePage(
        "D034",
        "tick too coarse",
        "The price is less than 100 ticks, so that a limit can lie percents from where it was meant, or less than one, "
        "so that no limit is possible. The tick is not that of this market.",
        "Give the symbol its own tick, or `tick: auto`, in a file for --config.",
    ),
    CodePage(
        "D035",
        "lot too large",
        "One lot is worth more than a tenth of the largest position, or more than all of it: quantities are rounded "
        "down to lots, so sizes come out far too small, or as 0.",
        "Give the symbol its own lot, or `lot: auto`, in a file for --config; or trade with more cash.",
    ),
    CodePage(
        "D036",
        "least order too large",
        "`min_notional` is an amount in the quote currency. It is more than the largest position: no order reaches it.",
        "Give the venue's amount in this quote currency in a file for --config, or trade with more cash.",
    ),
    CodePage(
        "D037",
        "position larger than the market",
        "The largest position is more than the symbol trades in 100 bars. Cash is counted in the quote currency of the "
        "symbols: 100000 is dollars for BTCUSDT, but bitcoins for LTCBTC.",
        "Say with --cash what the account holds in the quote currency of these symbols.",
    ),
    CodePage(
        "D038",
        "amount beyond the account",
        "An amount of the wiring is more than the account can carry. Amounts are in the quote currency, as cash is.",
        "Write the amount in the quote currency of these symbols, or size by a share of equity: block equity_share.",
    ),
    CodePage(
        "D039",
        "not a symbol",
        "Bars go to files with the names of their symbols, so a symbol must be the name of a file on every system; it "
        "may have parts, as in BTC/USDT or BINANCE:BTCUSDT.",
        "Correct the symbols in the source; where the file has no column of them, name it, such as --symbol BTCUSDT.",
    ),
    CodePage(
        "D040",
        "number infinite",
        "A column beside price and volume, such as the funding rate, holds an infinite number. A missing one is empty.",
        "Empty the cell, or fetch the bar again.",
    ),
    CodePage(
        "D041",
        "hole in the data",
        "No symbol has a bar for more than six days. A run goes through a hole step by step: positions are held, time "
        "stops and memories grow old. Figures leave such steps out, as they do with nights and weekends. A hole that "
        "makes up more than half of a run is refused.",
        "Import the bars that are missing, or run the parts one by one with --start and --end.",
    ),
    CodePage(
        "D042",
        "volume unknown",
        "Every bar of the run has volume 0, as FX rates and indices do: the market does not tell its volume. Orders "
        "then fill whole whatever `participation` is, and cost half the spread and the fee but no impact.",
        "Import the volume; --map volume=COLUMN names its column. Raise half_spread if fills would move this market.",
    ),
    CodePage(
        "D043",
        "symbol ends",
        "A symbol has no bar for the last six days of the run: it was delisted, or its data is older. One "
        "step after its last bar what is held is closed at the last close, as an order at the market, and its orders "
        "are called off.",
        "Nothing, if the symbol was delisted; otherwise import the bars that are missing, or end the run with --end.",
    ),
    CodePage(
        "D044",
        "looks like a split",
        "An open is about a half, a third, a quarter ... or a multiple of the close before it. Prices that are not "
        "adjusted for splits make returns that nobody had.",
        "Import prices that are adjusted for splits. If the price truly jumped, nothing.",
    ),
    CodePage(
        "D045",
        "funding beyond reason",
        "A single funding payment is more than 5 % of the position. Rates are shares: 0.0001 is one basis point.",
        "Import shares: divide percents by 100 and basis points by 10000.",
    ),
    CodePage(
        "D046",
        "clocks open apart",
        "Bars of one clock open at one time. Two symbols whose bars open at different times cannot share a step, and a "
        "slow clock must open with a bar of the base clock, else it would never close.",
        "Write in the wiring when the bars of the clock open, such as 4h@00:30; resample symbols that differ to bars "
        "that open together.",
    ),
    CodePage(
        "D047",
        "in-sample",
        "A model of the wiring was fitted on bars of this run, so it has seen what it is tested on: results of that "
        "part are better than they will be. Other symbols of the same time count as well, since markets move together.",
        "Test on another period, such as --start with the time at which the fitted one ends; or fit again on an "
        "earlier one.",
    ),
)

CODES: dict[str, CodePage] = {page.code: page for page in _PAGES}
