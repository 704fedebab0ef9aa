//! From a direction before the lens to one in the world.
//!
//! Frames: world north, east, down; camera forward, right, down. Yaw clockwise from true north, pitch above the horizon
//! positive, roll clockwise.

/// How a camera is turned. A stabilised gimbal's angles are of the world already: the aircraft's own are not added.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attitude {
    /// Clockwise from true north, degrees.
    pub yaw_deg: f64,
    /// Above the horizon positive, degrees.
    pub pitch_deg: f64,
    /// Clockwise, degrees.
    pub roll_deg: f64,
}

/// A direction in the world; its length means nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ray {
    /// Northwards.
    pub north: f64,
    /// Eastwards.
    pub east: f64,
    /// Downwards.
    pub down: f64,
}

impl Attitude {
    /// Turns (1, right, down): roll, then pitch, then yaw.
    pub fn turn(self, (right, down): (f64, f64)) -> Ray {
        let (roll_sin, roll_cos) = self.roll_deg.to_radians().sin_cos();
        let (pitch_sin, pitch_cos) = self.pitch_deg.to_radians().sin_cos();
        let (yaw_sin, yaw_cos) = self.yaw_deg.to_radians().sin_cos();
        let (right, down) = (right * roll_cos - down * roll_sin, right * roll_sin + down * roll_cos);
        let level = pitch_cos + down * pitch_sin;
        Ray {
            north: level * yaw_cos - right * yaw_sin,
            east: level * yaw_sin + right * yaw_cos,
            down: down * pitch_cos - pitch_sin,
        }
    }

    /// The other way: how far a place is before the lens, to the right of it and below it. Yaw, then pitch, then roll taken back.
    pub fn seen(self, east: f64, north: f64, below: f64) -> (f64, f64, f64) {
        let (roll_sin, roll_cos) = self.roll_deg.to_radians().sin_cos();
        let (pitch_sin, pitch_cos) = self.pitch_deg.to_radians().sin_cos();
        let (yaw_sin, yaw_cos) = self.yaw_deg.to_radians().sin_cos();
        let (level, right) = (north * yaw_cos + east * yaw_sin, east * yaw_cos - north * yaw_sin);
        let (forward, down) = (level * pitch_cos - below * pitch_sin, level * pitch_sin + below * pitch_cos);
        (forward, right * roll_cos + down * roll_sin, down * roll_cos - right * roll_sin)
    }
}

impl Ray {
    /// How far it goes sideways for each unit.
    pub fn level(self) -> f64 {
        self.north.hypot(self.east)
    }

    /// Clockwise from north, 0 to 360 degrees.
    pub fn bearing_deg(self) -> f64 {
        self.east.atan2(self.north).to_degrees().rem_euclid(360.0)
    }

    /// Below the horizon positive, degrees.
    pub fn depression_deg(self) -> f64 {
        self.down.atan2(self.level()).to_degrees()
    }
}
