//! Which sequences are computed together, and where their frames are.

/// A batch cut into groups of sequences; each group is the work of one thread.
///
/// The groups depend on the lengths only, never on the number of threads, and
/// their gradients are added in the order of the groups. So results are the same
/// to the bit on all machines with the same vector instructions.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub groups: Vec<Group>,
}

/// Sequences that are computed together, the longest first: those that still
/// run at a step are then always the first ones, and padding is never computed.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// The sequences' indices in the batch.
    pub sequences: Vec<usize>,
    /// Their lengths, descending.
    pub lengths: Vec<usize>,
    /// The first row of each step, and the number of all rows at the end.
    pub offsets: Vec<usize>,
}

impl Plan {
    pub fn new(lengths: &[usize]) -> Self {
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|&sequence| std::cmp::Reverse(lengths[sequence]));
        // Four rows fill a tile, and eight halve the traffic of the weights. More
        // would leave cores without work.
        let rows = match lengths.len() {
            0..=16 => 4,
            17..=128 => 8,
            many => many.div_ceil(16).next_multiple_of(4),
        };
        let mut groups: Vec<Group> = order
            .chunks(rows)
            .map(|sequences| Group::new(sequences.to_vec(), lengths))
            .collect();
        // The threads split this list by halves, so long and short groups alternate.
        let short = groups.split_off(groups.len().div_ceil(2));
        let mut paired = Vec::with_capacity(groups.len() + short.len());
        let mut short = short.into_iter().rev();
        for long in groups {
            paired.push(long);
            paired.extend(short.next());
        }
        Plan { groups: paired }
    }
}

impl Group {
    fn new(sequences: Vec<usize>, lengths: &[usize]) -> Self {
        let lengths: Vec<usize> = sequences.iter().map(|&s| lengths[s]).collect();
        let steps = lengths.first().copied().unwrap_or(0);
        let mut offsets = Vec::with_capacity(steps + 1);
        offsets.push(0);
        let mut active = lengths.len();
        for t in 0..steps {
            while lengths[active - 1] <= t {
                active -= 1;
            }
            offsets.push(offsets[t] + active);
        }
        Group {
            sequences,
            lengths,
            offsets,
        }
    }

    /// Steps of the longest sequence.
    pub fn steps(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Frames of all sequences.
    pub fn frames(&self) -> usize {
        self.offsets[self.steps()]
    }

    /// The number of sequences that still run at step `t`; 0 after the last step.
    pub fn active(&self, t: usize) -> usize {
        if t < self.steps() {
            self.offsets[t + 1] - self.offsets[t]
        } else {
            0
        }
    }

    /// The frame that `row` reads at step `t`.
    pub fn frame(&self, row: usize, t: usize, reverse: bool) -> usize {
        if reverse {
            self.lengths[row] - 1 - t
        } else {
            t
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_of_every_sequence_is_met_once_in_either_direction() {
        let lengths: Vec<usize> = (0..45).map(|k| (k * 7) % 23).collect();
        for reverse in [false, true] {
            let mut met: Vec<Vec<usize>> = lengths.iter().map(|&n| vec![0; n]).collect();
            for group in Plan::new(&lengths).groups {
                assert!(group.sequences.len() <= 8);
                for t in 0..group.steps() {
                    for row in 0..group.active(t) {
                        met[group.sequences[row]][group.frame(row, t, reverse)] += 1;
                    }
                }
            }
            assert!(met.iter().flatten().all(|&times| times == 1));
        }
    }
}
