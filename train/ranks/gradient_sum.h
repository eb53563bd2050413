#pragma once

#include <memory>
#include <string>

#include <torch/types.h>

#include "train/ranks/device_sum.h"
#include "train/ranks/ranks.h"

namespace banter::train {

/// Adds up the flat gradient over the processes of a training, which call it together, and keeps
/// `Ranks::cost`.
class GradientSum {
 public:
  explicit GradientSum(Ranks& ranks) : ranks_(ranks) {}
  virtual ~GradientSum() = default;

  /// Makes of each process' gradient the sum of all, with the same bytes everywhere.
  ///
  /// Shapes   gradient (P) float32, on the learner's device
  /// Throws   std::runtime_error when a device's library fails
  void sum(const torch::Tensor& gradient);

  /// What adds up, as logs call it.
  [[nodiscard]] virtual std::string by() const = 0;

 protected:
  virtual void add_up(torch::Tensor gradient) = 0;
  /// Until what was asked of the device is done.
  virtual void finish() {}

  Ranks& ranks_;
};

/// How processes come to a DeviceSum; a class, so that tests have one without GPUs.
class DeviceSums {
 public:
  virtual ~DeviceSums() = default;
  /// Throws   base::Error when there is nothing that adds up
  virtual void expect() = 0;
  /// At process 0. Throws   base::Error
  virtual MeetingPoint meeting_point() = 0;
  /// Throws   base::Error
  virtual std::unique_ptr<DeviceSum> join(const MeetingPoint& point, const Ranks& ranks,
                                          torch::Device device) = 0;
};

/// A GradientSum, and why it is not the fast one.
struct OpenedSum {
  std::unique_ptr<GradientSum> sum;
  std::string warning;  ///< the same at every process; "" = nothing to say
};

/// By NCCL where the device is a GPU; in the host's memory, with a warning, where any process has
/// none for it; in the host's memory on CPUs. All processes call it together.
OpenedSum open_gradient_sum(Ranks& ranks, torch::Device device);

/// The same by `sums`, whatever the device.
OpenedSum open_gradient_sum(Ranks& ranks, torch::Device device, DeviceSums& sums);

}  // namespace banter::train
