//! A network's parameters as named arrays: copied out of it, and put back.
//!
//! A parameter's name is its path in the tree of modules, for example
//! `layers.0.forward.weight_hh`.

#[cfg(feature = "safetensors")]
mod safetensors;

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

#[cfg(feature = "safetensors")]
pub use self::safetensors::to_safetensors;
use crate::RecurrentError;

/// One parameter on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, row by row.
    pub values: Vec<f32>,
}

/// Named parameters, in the order of their names.
pub type Parameters = BTreeMap<String, Array>;

/// Copies every parameter of `module`, named by its path.
pub fn parameters(module: &impl Module) -> Parameters {
    let mut collector = Collector::default();
    module.visit(&mut collector);
    collector.parameters
}

/// Names and shapes of the parameters of `module`.
pub fn shapes(module: &impl Module) -> BTreeMap<String, Vec<usize>> {
    parameters(module)
        .into_iter()
        .map(|(name, array)| (name, array.shape))
        .collect()
}

/// Moves a running average towards the parameters of `module`:
/// `average = decay * average + (1 - decay) * parameters`. An empty average
/// becomes the parameters.
pub fn average(module: &impl Module, average: &mut Parameters, decay: f32) {
    for (name, array) in parameters(module) {
        match average.get_mut(&name) {
            None => {
                average.insert(name, array);
            }
            Some(average) => {
                for (average, value) in average.values.iter_mut().zip(&array.values) {
                    *average += (1.0 - decay) * (value - *average);
                }
            }
        }
    }
}

/// `module` with the values of `parameters`. The ids of its parameters, by
/// which an optimiser knows them, stay.
///
/// # Errors
///
/// [`RecurrentError::Parameters`] where an array is missing, left over, of
/// another shape, or does not have as many values as its shape says.
pub fn with_parameters<M: Module>(module: M, parameters: &Parameters) -> Result<M, RecurrentError> {
    let wrong = |what: String| Err(RecurrentError::Parameters { what });
    let shapes = shapes(&module);
    for (name, shape) in &shapes {
        match parameters.get(name) {
            None => return wrong(format!("the tensor {name} is missing")),
            Some(array) if array.shape != *shape => {
                return wrong(format!(
                    "the tensor {name} has shape {:?}, but {shape:?} is expected",
                    array.shape
                ));
            }
            Some(array) if array.values.len() != shape.iter().product::<usize>() => {
                return wrong(format!(
                    "the tensor {name} has {} values, but its shape is {shape:?}",
                    array.values.len()
                ));
            }
            Some(_) => {}
        }
    }
    if let Some(name) = parameters.keys().find(|name| !shapes.contains_key(*name)) {
        return wrong(format!("the tensor {name} does not belong to this network"));
    }
    Ok(module.map(&mut Replacer {
        path: Path::default(),
        parameters,
    }))
}

/// The path of the module that is being visited.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn name(&self) -> String {
        self.0.join(".")
    }

    // The kind of cell is part of the settings, not of a parameter's name: the
    // variants of an enum leave no trace in the path.
    fn enter(&mut self, name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.push(name.to_string());
        }
    }

    fn exit(&mut self, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.pop();
        }
    }
}

#[derive(Default)]
struct Collector {
    path: Path,
    parameters: Parameters,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data();
        let array = Array {
            shape: data.shape().to_vec(),
            values: data.iter::<f32>().collect(),
        };
        self.parameters.insert(self.path.name(), array);
    }
}

struct Replacer<'a> {
    path: Path,
    parameters: &'a Parameters,
}

impl ModuleMapper for Replacer<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(array) = self.parameters.get(&self.path.name()) else {
            return param;
        };
        let data = TensorData::new(array.values.clone(), array.shape.clone());
        param.map(|tensor| {
            let required = tensor.is_require_grad();
            Tensor::from_data(data, &tensor.device()).set_require_grad(required)
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{Init, Linear};

    #[test]
    fn parameters_come_back_as_they_were_and_misfits_are_named() {
        let linear = |seed| Linear::new(2, 3, &mut Init::new(seed, &Device::flex()));
        let first = parameters(&linear(1));
        let copy = with_parameters(linear(2), &first).unwrap();
        assert_eq!(parameters(&copy), first);

        let error = |change: &dyn Fn(&mut Parameters)| {
            let mut changed = first.clone();
            change(&mut changed);
            let error = with_parameters(linear(2), &changed).unwrap_err();
            assert!(matches!(error, RecurrentError::Parameters { .. }));
            error.to_string()
        };
        let missing = error(&|p| drop(p.remove("bias")));
        assert!(missing.contains("bias is missing"), "{missing}");
        let shape = error(&|p| p.get_mut("bias").unwrap().shape = vec![4]);
        assert!(shape.contains("[4], but [3] is expected"), "{shape}");
        let short = error(&|p| p.get_mut("bias").unwrap().values.truncate(2));
        assert!(short.contains("2 values, but its shape is [3]"), "{short}");
        let extra = error(&|p| drop(p.insert("more".into(), p["bias"].clone())));
        assert!(extra.contains("more does not belong"), "{extra}");
    }

    #[test]
    fn an_average_keeps_its_share_and_begins_with_the_first_parameters() {
        let linear = |value| {
            let init = &mut Init::new(0, &Device::flex());
            Linear {
                weight: init.constant(value, [1, 1]),
                bias: init.constant(value, [1]),
            }
        };
        let mut running = Parameters::new();
        average(&linear(1.0), &mut running, 0.75);
        assert_eq!(running["bias"].values, [1.0]);
        average(&linear(3.0), &mut running, 0.75);
        assert_eq!(running["bias"].values, [1.5]);
    }
}
