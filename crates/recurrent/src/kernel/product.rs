//! The matrix products of the kernel.
//!
//! All of them are made of one tile: up to four rows of `A` by up to four
//! vectors of columns of `B`, with sixteen running sums that stay in registers
//! for the whole depth (three rows and twelve sums on processors with sixteen
//! registers). A tile loads four vectors and four single numbers for sixteen
//! fused multiply-adds, so the arithmetic units are the limit and not the loads.
//! Weights are packed once per call ([`Panels`]), in the order in which tiles
//! read them.
//!
//! Each element of a result is one running sum in the order of the depth,
//! whatever else is in the tile. So neither the number of rows nor the number of
//! threads changes a bit.

use pulp::{Simd, WithSimd};

use super::lanes::{load, store};

/// Vectors of columns in a tile.
pub(super) const WIDTH: usize = 4;

/// Rows in a tile: as many as fit into the registers with their sums, one factor
/// per row, and one vector. Three rows fill sixteen registers exactly.
#[inline(always)]
pub(super) const fn rows_of_tile<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 4 } else { 3 }
}

/// A matrix `[depth, columns]` cut into panels of several vectors of columns;
/// inside a panel the depth varies slowest.
#[derive(Clone, Debug)]
pub(super) struct Panels {
    values: Vec<f32>,
    depth: usize,
    /// Vectors in each panel; the last may be narrower.
    width: usize,
    vectors: usize,
    lanes: usize,
}

impl Panels {
    /// Packs `vectors` vectors of `lanes` columns. `column` gives the values of a
    /// column from the top; missing ones are zero.
    pub fn from_columns<'a>(
        depth: usize,
        vectors: usize,
        width: usize,
        lanes: usize,
        column: impl Fn(usize, usize) -> Option<&'a [f32]>,
    ) -> Self {
        let mut panels = Self::zero(depth, vectors, width, lanes);
        for vector in 0..vectors {
            let (start, step) = panels.place(vector);
            for lane in 0..lanes {
                let to = panels.values[start + lane..].iter_mut().step_by(step);
                for (to, value) in to.zip(column(vector, lane).unwrap_or_default()) {
                    *to = *value;
                }
            }
        }
        panels
    }

    /// Packs a matrix `[depth, columns]` whose columns are whole vectors. `row`
    /// gives the values of a row; missing ones are zero.
    pub fn from_rows<'a>(
        depth: usize,
        columns: usize,
        lanes: usize,
        row: impl Fn(usize) -> Option<&'a [f32]>,
    ) -> Self {
        let mut panels = Self::zero(depth, columns / lanes, WIDTH, lanes);
        for k in 0..depth {
            let parts = row(k).unwrap_or_default().chunks(lanes);
            for (vector, part) in parts.enumerate() {
                let (start, step) = panels.place(vector);
                panels.values[start + k * step..][..part.len()].copy_from_slice(part);
            }
        }
        panels
    }

    /// `vectors` vectors of zeros.
    pub fn zero(depth: usize, vectors: usize, width: usize, lanes: usize) -> Self {
        Self {
            values: vec![0.0; depth * vectors * lanes],
            depth,
            width,
            vectors,
            lanes,
        }
    }

    /// The values of a column from the top.
    pub fn column(&self, column: usize) -> impl Iterator<Item = f32> {
        let (start, step) = self.place(column / self.lanes);
        let values = self.values.get(start + column % self.lanes..);
        values
            .unwrap_or_default()
            .iter()
            .copied()
            .step_by(step)
            .take(self.depth)
    }

    /// Adds a matrix that is packed in the same way.
    pub fn add(&mut self, other: &Panels) {
        for (to, from) in self.values.iter_mut().zip(&other.values) {
            *to += from;
        }
    }

    /// The index of a vector's first row, and the distance to its next row.
    fn place(&self, vector: usize) -> (usize, usize) {
        let panel = vector / self.width * self.width;
        let width = self.width.min(self.vectors - panel);
        let start = (panel * self.depth + vector - panel) * self.lanes;
        (start, width * self.lanes)
    }

    /// The panel that starts with `vector`.
    #[inline(always)]
    pub fn panel(&self, vector: usize) -> &[f32] {
        let width = self.width.min(self.vectors - vector);
        let start = vector * self.depth * self.lanes;
        &self.values[start..start + width * self.depth * self.lanes]
    }

    /// The number of values, padding included.
    pub fn len(&self) -> usize {
        self.values.len()
    }
}

/// `sums += A B` for `M` rows of `A`, `stride` apart, and one panel of `NV` vectors.
#[inline(always)]
pub(super) fn tile<S: Simd, const M: usize, const NV: usize>(
    simd: S,
    a: &[f32],
    stride: usize,
    panel: &[f32],
    sums: &mut [[S::f32s; NV]; M],
) {
    let depth = panel.len() / (NV * S::F32_LANES);
    let rows: [&[f32]; M] = std::array::from_fn(|m| &a[m * stride..m * stride + depth]);
    let (vectors, _) = S::as_simd_f32s(panel);
    let (steps, _) = vectors.as_chunks::<NV>();
    for (k, b) in steps.iter().enumerate().take(depth) {
        // All factors before any vector, so that each vector is loaded once and
        // needs one register at a time.
        let factors: [S::f32s; M] = std::array::from_fn(|m| simd.splat_f32s(rows[m][k]));
        for v in 0..NV {
            for m in 0..M {
                sums[m][v] = simd.mul_add_e_f32s(factors[m], b[v], sums[m][v]);
            }
        }
    }
}

/// `C = A B + C` for all rows of `A` and all columns of `B`.
pub(super) struct Product<'a> {
    pub rows: usize,
    /// Rows of as many numbers as the depth of `b`, `a_stride` apart.
    pub a: &'a [f32],
    pub a_stride: usize,
    pub b: &'a Panels,
    /// Rows `c_stride` apart.
    pub c: &'a mut [f32],
    pub c_stride: usize,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Product {
            rows,
            a,
            a_stride,
            b,
            c,
            c_stride,
        } = self;
        // The outer loop is over panels, so that a panel stays in the first-level
        // cache.
        let mut vector = 0;
        while vector < b.vectors {
            let panel = b.panel(vector);
            let column = vector * S::F32_LANES;
            match b.width.min(b.vectors - vector) {
                1 => columns::<S, 1>(simd, rows, a, a_stride, panel, column, c, c_stride),
                2 => columns::<S, 2>(simd, rows, a, a_stride, panel, column, c, c_stride),
                3 => columns::<S, 3>(simd, rows, a, a_stride, panel, column, c, c_stride),
                _ => columns::<S, 4>(simd, rows, a, a_stride, panel, column, c, c_stride),
            }
            vector += b.width;
        }
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn columns<S: Simd, const NV: usize>(
    simd: S,
    rows: usize,
    a: &[f32],
    a_stride: usize,
    panel: &[f32],
    column: usize,
    c: &mut [f32],
    c_stride: usize,
) {
    let most = rows_of_tile::<S>();
    let mut row = 0;
    while row < rows {
        let a = &a[row * a_stride..];
        let c = &mut c[row * c_stride + column..];
        match (rows - row).min(most) {
            1 => accumulate::<S, 1, NV>(simd, a, a_stride, panel, c, c_stride),
            2 => accumulate::<S, 2, NV>(simd, a, a_stride, panel, c, c_stride),
            3 => accumulate::<S, 3, NV>(simd, a, a_stride, panel, c, c_stride),
            _ => accumulate::<S, 4, NV>(simd, a, a_stride, panel, c, c_stride),
        }
        row += most;
    }
}

#[inline(always)]
fn accumulate<S: Simd, const M: usize, const NV: usize>(
    simd: S,
    a: &[f32],
    a_stride: usize,
    panel: &[f32],
    c: &mut [f32],
    c_stride: usize,
) {
    let mut sums = [[simd.splat_f32s(0.0); NV]; M];
    for (m, sums) in sums.iter_mut().enumerate() {
        for (v, sum) in sums.iter_mut().enumerate() {
            *sum = load::<S>(c, m * c_stride + v * S::F32_LANES);
        }
    }
    tile::<S, M, NV>(simd, a, a_stride, panel, &mut sums);
    for (m, sums) in sums.iter().enumerate() {
        for (v, sum) in sums.iter().enumerate() {
            store::<S>(c, m * c_stride + v * S::F32_LANES, *sum);
        }
    }
}

/// `C = Aᵀ B + C`, the gradient of weights, for several pairs of `A` and `C` with
/// the same `B`.
pub(super) struct TransposedProduct<'a, const N: usize> {
    /// Rows of each `A` and of `B`.
    pub depth: usize,
    /// Each `A` and the distance between its rows; it has as many columns as the
    /// depth of its `C`.
    pub a: [(&'a [f32], usize); N],
    /// The columns of each `C`, rows `b_stride` apart.
    pub b: &'a [f32],
    pub b_stride: usize,
    pub c: [&'a mut Panels; N],
    /// Room for `depth` rows of [`WIDTH`] vectors.
    pub scratch: &'a mut [f32],
}

impl<const N: usize> WithSimd for TransposedProduct<'_, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let TransposedProduct {
            depth,
            a,
            b,
            b_stride,
            mut c,
            scratch,
        } = self;
        let (vectors, most) = c.first().map_or((0, 1), |c| (c.vectors, c.width));
        let mut vector = 0;
        while vector < vectors {
            let width = most.min(vectors - vector);
            let row = width * S::F32_LANES;
            // The columns of `B` without gaps, since every tile reads them again.
            let scratch = &mut scratch[..depth * row];
            let from = b[vector * S::F32_LANES..].chunks(b_stride);
            for (to, from) in scratch.chunks_exact_mut(row).zip(from) {
                to.copy_from_slice(&from[..row]);
            }
            for ((a, stride), c) in a.iter().zip(&mut c) {
                let start = vector * c.depth * S::F32_LANES;
                let panel = &mut c.values[start..start + c.depth * row];
                match width {
                    1 => outer::<S, 1>(simd, a, *stride, scratch, panel),
                    2 => outer::<S, 2>(simd, a, *stride, scratch, panel),
                    3 => outer::<S, 3>(simd, a, *stride, scratch, panel),
                    _ => outer::<S, 4>(simd, a, *stride, scratch, panel),
                }
            }
            vector += width;
        }
    }
}

/// One panel of `C`, from one of `B`.
#[inline(always)]
fn outer<S: Simd, const NV: usize>(simd: S, a: &[f32], a_stride: usize, b: &[f32], c: &mut [f32]) {
    let most = rows_of_tile::<S>();
    for (tile, c) in c.chunks_mut(most * NV * S::F32_LANES).enumerate() {
        let a = &a[tile * most..];
        match c.len() / (NV * S::F32_LANES) {
            1 => outer_tile::<S, 1, NV>(simd, a, a_stride, b, c),
            2 => outer_tile::<S, 2, NV>(simd, a, a_stride, b, c),
            3 => outer_tile::<S, 3, NV>(simd, a, a_stride, b, c),
            _ => outer_tile::<S, 4, NV>(simd, a, a_stride, b, c),
        }
    }
}

#[inline(always)]
fn outer_tile<S: Simd, const M: usize, const NV: usize>(
    simd: S,
    a: &[f32],
    a_stride: usize,
    b: &[f32],
    c: &mut [f32],
) {
    let (vectors, _) = S::as_simd_f32s(b);
    let (steps, _) = vectors.as_chunks::<NV>();
    let mut sums = [[simd.splat_f32s(0.0); NV]; M];
    for (column, vectors) in a.chunks(a_stride).zip(steps) {
        let column = &column[..M];
        let factors: [S::f32s; M] = std::array::from_fn(|m| simd.splat_f32s(column[m]));
        for v in 0..NV {
            for m in 0..M {
                sums[m][v] = simd.mul_add_e_f32s(factors[m], vectors[v], sums[m][v]);
            }
        }
    }
    let (rows, _) = S::as_mut_simd_f32s(c);
    for (row, sums) in rows.chunks_exact_mut(NV).zip(sums) {
        for (c, sum) in row.iter_mut().zip(sums) {
            *c = simd.add_f32s(*c, sum);
        }
    }
}
