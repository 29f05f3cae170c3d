//! One step of a cell, gate by gate, with numbers one can check by hand.
//!
//! `cargo run -p model --example gates`
//!
//! Three cells at once: the state before is c and h, the input is x, and every
//! weight has one decimal. Each gate is printed with its formula, what goes into
//! its squashing function and what comes out. At the end of each cell stands
//! how far the `model` crate's own step is from this one.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recurrent::{AnyCell, Cell, CoupledLstm, Gru, Init, Lstm, PeepholeLstm, State};

use tutorial::picture::{BLUE, GREEN, GREY, PURPLE, Panel, Series, Style, VERMILION, beside};
use tutorial::{Outcome, tensor, values};

mod tutorial;

/// Cells, and numbers in the input.
const SIZE: usize = 3;
const C: Vector = [0.5, 0.6, 0.4];
const H: Vector = [0.3, 0.8, 0.69];
const X: Vector = [0.2, 1.3, 0.7];

/// A number for each cell.
pub type Vector = [f64; SIZE];

/// The four cells of this example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Blocks i, f, g, o.
    Lstm,
    /// Blocks i, f, g, o; peepholes of i, f, o.
    Peephole,
    /// Blocks i, g, o.
    Coupled,
    /// Blocks r, z, n; a bias of its own for n's recurrent product.
    Gru,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Lstm, Kind::Peephole, Kind::Coupled, Kind::Gru];

    fn name(self) -> &'static str {
        match self {
            Kind::Lstm => "LSTM",
            Kind::Peephole => "LSTM with peepholes",
            Kind::Coupled => "LSTM with coupled gates",
            Kind::Gru => "GRU",
        }
    }

    fn blocks(self) -> usize {
        match self {
            Kind::Lstm | Kind::Peephole => 4,
            Kind::Coupled | Kind::Gru => 3,
        }
    }

    fn extra(self) -> usize {
        match self {
            Kind::Lstm | Kind::Coupled => 0,
            Kind::Peephole => 3 * SIZE,
            Kind::Gru => SIZE,
        }
    }
}

/// The weights of a cell, its blocks below each other, each matrix row by row.
#[derive(Clone, Debug)]
pub struct Weights {
    /// `W_i.`: `[blocks * 3, 3]`
    pub input: Vec<f32>,
    /// `W_h.`: `[blocks * 3, 3]`
    pub recurrent: Vec<f32>,
    /// `b`: `[blocks * 3]`
    pub bias: Vec<f32>,
    /// The peepholes `P_i`, `P_f`, `P_o`, or the GRU's `b_hn`, or nothing.
    pub extra: Vec<f32>,
}

impl Weights {
    /// One decimal, between −1 and 1.
    pub fn draw(kind: Kind, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = |count: usize| -> Vec<f32> {
            (0..count)
                .map(|_| random.random_range(-10..=10) as f32 / 10.0)
                .collect()
        };
        let rows = kind.blocks() * SIZE;
        Weights {
            input: draw(rows * SIZE),
            recurrent: draw(rows * SIZE),
            bias: draw(rows),
            extra: draw(kind.extra()),
        }
    }

    /// `W_i x` of a block.
    fn of_input(&self, block: usize, x: Vector) -> Vector {
        product(&self.input[block * SIZE * SIZE..], x)
    }

    /// `W_h h` of a block.
    fn of_state(&self, block: usize, h: Vector) -> Vector {
        product(&self.recurrent[block * SIZE * SIZE..], h)
    }

    fn bias(&self, block: usize) -> Vector {
        vector(&self.bias[block * SIZE..])
    }

    fn extra(&self, block: usize) -> Vector {
        vector(&self.extra[block * SIZE..])
    }

    /// `W_i x + W_h h + b` of a block.
    fn sum(&self, block: usize, x: Vector, h: Vector) -> Vector {
        let (input, state, bias) = (
            self.of_input(block, x),
            self.of_state(block, h),
            self.bias(block),
        );
        each(|k| input[k] + state[k] + bias[k])
    }
}

fn each(value: impl Fn(usize) -> f64) -> Vector {
    std::array::from_fn(value)
}

fn vector(values: &[f32]) -> Vector {
    each(|k| values[k].into())
}

fn product(matrix: &[f32], v: Vector) -> Vector {
    each(|row| {
        (0..SIZE)
            .map(|k| f64::from(matrix[row * SIZE + k]) * v[k])
            .sum()
    })
}

fn sigmoid(v: Vector) -> Vector {
    v.map(|z| 1.0 / (1.0 + (-z).exp()))
}

fn tanh(v: Vector) -> Vector {
    v.map(f64::tanh)
}

/// One line of the step: a quantity, its formula, its value.
pub struct Line {
    /// Such as `i`.
    pub symbol: &'static str,
    formula: &'static str,
    meaning: &'static str,
    /// What went into the squashing function, where there is one.
    before: Option<Vector>,
    /// The value.
    pub value: Vector,
}

fn line(
    symbol: &'static str,
    formula: &'static str,
    meaning: &'static str,
    before: Option<Vector>,
    value: Vector,
) -> Line {
    Line {
        symbol,
        formula,
        meaning,
        before,
        value,
    }
}

/// One step, line by line, in plain arithmetic. The last line is `h_t`.
pub fn by_hand(kind: Kind, w: &Weights, x: Vector, h: Vector, c: Vector) -> Vec<Line> {
    match kind {
        Kind::Lstm => {
            let [zi, zf, zg, zo] = [0, 1, 2, 3].map(|block| w.sum(block, x, h));
            let (i, f, g, o) = (sigmoid(zi), sigmoid(zf), tanh(zg), sigmoid(zo));
            let cell = each(|k| f[k] * c[k] + i[k] * g[k]);
            vec![
                line(
                    "i",
                    "σ(W_ii x_t + W_hi h_{t-1} + b_i)",
                    "input gate",
                    Some(zi),
                    i,
                ),
                line(
                    "f",
                    "σ(W_if x_t + W_hf h_{t-1} + b_f)",
                    "forget gate",
                    Some(zf),
                    f,
                ),
                line(
                    "g",
                    "tanh(W_ig x_t + W_hg h_{t-1} + b_g)",
                    "candidate",
                    Some(zg),
                    g,
                ),
                line(
                    "o",
                    "σ(W_io x_t + W_ho h_{t-1} + b_o)",
                    "output gate",
                    Some(zo),
                    o,
                ),
                line("c", "f_t * c_{t-1} + i_t * g_t", "cell", None, cell),
                line("h", "o_t * tanh(c_t)", "hidden state", None, shown(o, cell)),
            ]
        }
        Kind::Peephole => {
            let see = |number: usize, z: Vector, cell: Vector| {
                let p = w.extra(number);
                each(|k| z[k] + p[k] * cell[k])
            };
            let zi = see(0, w.sum(0, x, h), c);
            let zf = see(1, w.sum(1, x, h), c);
            let zg = w.sum(2, x, h);
            let (i, f, g) = (sigmoid(zi), sigmoid(zf), tanh(zg));
            let cell = each(|k| f[k] * c[k] + i[k] * g[k]);
            let zo = see(2, w.sum(3, x, h), cell);
            let o = sigmoid(zo);
            vec![
                line(
                    "i",
                    "σ(W_ii x_t + W_hi h_{t-1} + P_i * c_{t-1} + b_i)",
                    "input gate",
                    Some(zi),
                    i,
                ),
                line(
                    "f",
                    "σ(W_if x_t + W_hf h_{t-1} + P_f * c_{t-1} + b_f)",
                    "forget gate",
                    Some(zf),
                    f,
                ),
                line(
                    "g",
                    "tanh(W_ig x_t + W_hg h_{t-1} + b_g)",
                    "candidate",
                    Some(zg),
                    g,
                ),
                line("c", "f_t * c_{t-1} + i_t * g_t", "cell", None, cell),
                line(
                    "o",
                    "σ(W_io x_t + W_ho h_{t-1} + P_o * c_t + b_o)",
                    "output gate, sees the new cell",
                    Some(zo),
                    o,
                ),
                line("h", "o_t * tanh(c_t)", "hidden state", None, shown(o, cell)),
            ]
        }
        Kind::Coupled => {
            let [zi, zg, zo] = [0, 1, 2].map(|block| w.sum(block, x, h));
            let (i, g, o) = (sigmoid(zi), tanh(zg), sigmoid(zo));
            let f = each(|k| 1.0 - i[k]);
            let cell = each(|k| f[k] * c[k] + i[k] * g[k]);
            vec![
                line(
                    "i",
                    "σ(W_ii x_t + W_hi h_{t-1} + b_i)",
                    "input gate",
                    Some(zi),
                    i,
                ),
                line(
                    "f",
                    "1 - i_t",
                    "forget gate: what is not written stays",
                    None,
                    f,
                ),
                line(
                    "g",
                    "tanh(W_ig x_t + W_hg h_{t-1} + b_g)",
                    "candidate",
                    Some(zg),
                    g,
                ),
                line(
                    "o",
                    "σ(W_io x_t + W_ho h_{t-1} + b_o)",
                    "output gate",
                    Some(zo),
                    o,
                ),
                line("c", "f_t * c_{t-1} + i_t * g_t", "cell", None, cell),
                line("h", "o_t * tanh(c_t)", "hidden state", None, shown(o, cell)),
            ]
        }
        Kind::Gru => {
            let (zr, zz) = (w.sum(0, x, h), w.sum(1, x, h));
            let (r, z) = (sigmoid(zr), sigmoid(zz));
            let (input, state) = (w.of_input(2, x), w.of_state(2, h));
            let (bias, own) = (w.bias(2), w.extra(0));
            let zn = each(|k| input[k] + bias[k] + r[k] * (state[k] + own[k]));
            let n = tanh(zn);
            let after = each(|k| (1.0 - z[k]) * n[k] + z[k] * h[k]);
            vec![
                line(
                    "r",
                    "σ(W_ir x_t + W_hr h_{t-1} + b_r)",
                    "reset gate",
                    Some(zr),
                    r,
                ),
                line(
                    "z",
                    "σ(W_iz x_t + W_hz h_{t-1} + b_z)",
                    "update gate",
                    Some(zz),
                    z,
                ),
                line(
                    "n",
                    "tanh(W_in x_t + b_n + r_t * (W_hn h_{t-1} + b_hn))",
                    "candidate",
                    Some(zn),
                    n,
                ),
                line(
                    "h",
                    "(1 - z_t) * n_t + z_t * h_{t-1}",
                    "hidden state",
                    None,
                    after,
                ),
            ]
        }
    }
}

fn shown(o: Vector, cell: Vector) -> Vector {
    each(|k| o[k] * cell[k].tanh())
}

/// The same step by the `model` crate: `h_t`, and `c_t` where there is a cell.
pub fn by_library(
    kind: Kind,
    weights: &Weights,
    (x, h, c): (Vector, Vector, Vector),
    device: &Device,
) -> Outcome<(Vec<f32>, Option<Vec<f32>>)> {
    let init = &mut Init::new(0, device);
    let rows = kind.blocks() * SIZE;
    let weight_ih = init.values(weights.input.clone(), [rows, SIZE]);
    let weight_hh = init.values(weights.recurrent.clone(), [rows, SIZE]);
    let bias = init.values(weights.bias.clone(), [rows]);
    let cell = match kind {
        Kind::Lstm => AnyCell::Lstm(Lstm {
            weight_ih,
            weight_hh,
            bias,
        }),
        Kind::Peephole => AnyCell::Peephole(PeepholeLstm {
            weight_ih,
            weight_hh,
            bias,
            peephole: init.values(weights.extra.clone(), [3, SIZE]),
        }),
        Kind::Coupled => AnyCell::Coupled(CoupledLstm {
            weight_ih,
            weight_hh,
            bias,
        }),
        Kind::Gru => AnyCell::Gru(Gru {
            weight_ih,
            weight_hh,
            bias,
            bias_hn: Some(init.values(weights.extra.clone(), [SIZE])),
        }),
    };
    // A batch of one sequence.
    let row = |v: Vector| -> Tensor<2> { tensor(&v.map(|x| x as f32), [1, SIZE], device) };
    let state = State {
        h: row(h),
        c: cell.has_cell().then(|| row(c)),
    };
    let after = cell.step(cell.project(row(x)), row(h), state);
    Ok((values(after.h)?, after.c.map(values).transpose()?))
}

/// What came out for one cell.
pub struct Found {
    /// Which.
    pub kind: Kind,
    /// `h_t`
    pub h: Vector,
    /// The largest difference between the step here and the crate's.
    pub off: f64,
}

fn main() -> Outcome<()> {
    tutorial::start(run)
}

fn text(v: Vector) -> String {
    format!("[{:7.4}, {:7.4}, {:7.4}]", v[0], v[1], v[2])
}

/// Computes, prints and draws.
pub fn run(device: &Device, seed: u64, out: &Path) -> Outcome<Vec<Found>> {
    println!("input         x_t     = {}", text(X));
    println!("hidden state  h_{{t-1}} = {}", text(H));
    println!("cell          c_{{t-1}} = {}", text(C));
    let mut found = Vec::new();
    let mut lstm = Vec::new();
    for kind in Kind::ALL {
        let weights = Weights::draw(kind, seed);
        println!("\n{}", kind.name());
        let lines = by_hand(kind, &weights, X, H, C);
        for line in &lines {
            println!(
                "  {}_t = {}   ({})",
                line.symbol, line.formula, line.meaning
            );
            match line.before {
                Some(before) => println!("      {}  →  {}", text(before), text(line.value)),
                None => println!("      {}", text(line.value)),
            }
        }
        if kind == Kind::Lstm {
            print_sum(&weights, &lines[0]);
        }
        let (h, c) = by_library(kind, &weights, (X, H, C), device)?;
        let last = lines.last().map_or([0.0; SIZE], |line| line.value);
        let mut off = distance(last, &h);
        if let (Some(line), Some(c)) = (lines.iter().find(|line| line.symbol == "c"), c) {
            off = off.max(distance(line.value, &c));
        }
        println!("  the crate's own step differs by at most {off:.1e}");
        found.push(Found { kind, h: last, off });
        if kind == Kind::Lstm {
            lstm = lines;
        }
    }
    draw(out, &lstm, &found)?;
    Ok(found)
}

/// The first number of the first gate, term by term.
fn print_sum(weights: &Weights, line: &Line) {
    let terms = |w: &[f32], v: Vector| -> String {
        let terms: Vec<String> = w.iter().zip(v).map(|(w, v)| format!("{w}·{v}")).collect();
        terms.join(" + ")
    };
    println!("  the first number of i_t, term by term:");
    println!("      {}", terms(&weights.input[..SIZE], X));
    println!("      + {}", terms(&weights.recurrent[..SIZE], H));
    let before = line.before.map_or(0.0, |before| before[0]);
    println!(
        "      + {} = {before:.4}, and σ of it is {:.4}",
        weights.bias[0], line.value[0]
    );
}

fn distance(by_hand: Vector, by_library: &[f32]) -> f64 {
    let both = by_hand.iter().zip(by_library);
    both.map(|(a, &b)| (a - f64::from(b)).abs())
        .fold(0.0, f64::max)
}

fn draw(out: &Path, lstm: &[Line], found: &[Found]) -> Outcome<()> {
    let curve = |name, function: fn(Vector) -> Vector| {
        let points = (-30..=30).map(|k| f64::from(k) / 10.0);
        Series::new(
            name,
            GREY,
            Style::Line,
            points.map(|z| (z, function([z; SIZE])[0])),
        )
    };
    let mut gates = vec![curve("", sigmoid), curve("", tanh)];
    let colours = [BLUE, VERMILION, GREEN, PURPLE];
    for (line, colour) in lstm
        .iter()
        .filter(|line| line.before.is_some())
        .zip(colours)
    {
        let before = line.before.unwrap_or_default();
        let points = before.into_iter().zip(line.value);
        gates.push(Series::new(line.meaning, colour, Style::Dots, points));
    }
    let numbers = |v: Vector| (1..).zip(v).map(|(k, y)| (f64::from(k), y));
    let mut states = vec![Series::new("before", GREY, Style::Dots, numbers(H))];
    for (cell, colour) in found.iter().zip(colours) {
        let name = cell.kind.name().trim_start_matches("LSTM with ");
        states.push(Series::new(name, colour, Style::Dots, numbers(cell.h)));
    }
    beside(
        &out.join("gates.svg"),
        480.0,
        &[
            Panel::new(
                "The LSTM's gates: three cells on σ and tanh",
                "what goes in",
                "what comes out",
                gates,
            ),
            Panel::new("The hidden state after one step", "cell", "h", states),
        ],
    )
}
