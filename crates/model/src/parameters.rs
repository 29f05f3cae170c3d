//! A network's parameters as named arrays, out of it and back into it.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

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

/// Copies every parameter of `module`; the name is its path, `head.weight` say.
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

/// Moves `average` towards the parameters of `module`, of which it keeps
/// `decay`; an empty average becomes the parameters.
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

/// `module` with the values of `parameters`, its parameter ids kept.
///
/// # Errors
///
/// What does not fit: a parameter missing, left over, or of another shape.
pub fn with_parameters<M: Module>(module: M, parameters: &Parameters) -> Result<M, String> {
    let shapes = shapes(&module);
    for (name, shape) in &shapes {
        match parameters.get(name) {
            None => return Err(format!("the tensor {name} is missing")),
            Some(array) if array.shape != *shape => {
                return Err(format!(
                    "the tensor {name} has shape {:?}, but {shape:?} is expected",
                    array.shape
                ));
            }
            Some(_) => {}
        }
    }
    if let Some(name) = parameters.keys().find(|name| !shapes.contains_key(*name)) {
        return Err(format!("the tensor {name} does not belong to this network"));
    }
    Ok(module.map(&mut Replacer {
        path: Path::default(),
        parameters,
    }))
}

/// Where a visit stands in the tree of modules.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn name(&self) -> String {
        self.0.join(".")
    }

    // Which cell a layer is made of stands in the architecture: a variant of
    // an enum is no part of a name.
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
