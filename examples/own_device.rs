//! A program that has a wgpu device of its own: two segmenters and the program's compute pass share it.
//!
//!     cargo run --release -p cytoshade-examples --example own_device

use cytoshade::wgpu::{self, util::DeviceExt};
use cytoshade::{Image, Model, Params, Segmenter};
use cytoshade_examples::{model, photograph};
use cytoshade_formats::{ReadOptions, read};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let images = read(photograph(), &ReadOptions::default())?;
    let image = images.first().ok_or("the file holds no image")?;
    match cells(image)? {
        Some([fine, coarse]) => println!("{fine} cells, and {coarse} at twice the diameter"),
        None => println!("there is no adapter"),
    }
    Ok(())
}

/// The cells that two segmenters find on one device; `None` without an adapter.
fn cells(image: &Image) -> Result<Option<[usize; 2]>, Error> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let request = instance.request_adapter(&wgpu::RequestAdapterOptions::default());
    let Ok(adapter) = pollster::block_on(request) else { return Ok(None) };
    // The segmenters use whatever features and limits the device has: f16 and subgroups if they are there, and storage
    // buffers as large as the adapter allows.
    let optional = wgpu::Features::SHADER_F16 | wgpu::Features::SUBGROUP;
    let descriptor = wgpu::DeviceDescriptor {
        required_features: adapter.features() & optional,
        required_limits: wgpu::Limits {
            max_storage_buffer_binding_size: adapter.limits().max_storage_buffer_binding_size,
            max_buffer_size: adapter.limits().max_buffer_size,
            ..wgpu::Limits::default()
        },
        ..wgpu::DeviceDescriptor::default()
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))?;

    // A device that lacks something is an error with the list of all that is missing.
    let model = Model::open(model())?;
    let segmenter = || Segmenter::builder(&model).wgpu(&adapter, device.clone(), queue.clone()).build();
    let (fine, coarse) = (segmenter()?, segmenter()?);
    println!("sharing {}", fine.device());

    clear(&device, &queue);
    let fine = fine.segment(image, &Params::new())?;
    let coarse = coarse.segment(image, &Params::new().diameter(2.0 * fine.diameter))?;
    Ok(Some([fine.cells(), coarse.cells()]))
}

/// The program's own work.
fn clear(device: &wgpu::Device, queue: &wgpu::Queue) {
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
    let buffer =
        device.create_buffer_init(&wgpu::util::BufferInitDescriptor { label: None, contents: &[1; 256], usage });
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.clear_buffer(&buffer, 0, None);
    queue.submit([encoder.finish()]);
}

#[test]
fn runs() {
    let images = read(photograph(), &ReadOptions::default()).unwrap();
    // A machine without an adapter has nothing to share.
    if let Some([fine, coarse]) = cells(&images[0]).unwrap() {
        assert!(fine > 20 && coarse > 0 && coarse < fine, "{fine} {coarse}");
    }
}
