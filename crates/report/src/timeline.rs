//! Emotion over time as a picture, and as a page that plays the sound.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::escape::escaped;
use crate::segments::Segment;

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct TimelinePicture {
    /// The recording's name.
    pub name: String,
    /// Its length in seconds.
    pub duration: f64,
    /// The labels, with a colour each, `#rrggbb`.
    pub labels: Vec<(String, String)>,
    /// Times, and the probability of every label at each.
    pub curves: Vec<(f64, Vec<f32>)>,
    /// The segments, which follow each other.
    pub segments: Vec<Segment>,
}

/// The sound of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum PageSound {
    /// The bytes of a file, and their kind (`audio/wav`).
    Inside(Vec<u8>, String),
    /// The address of a file beside the page.
    Beside(String),
}

/// Size of the picture in pixels, and of its parts.
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 20.0;
const ROW: f64 = 42.0;
const TOP: f64 = 64.0;
const BAND: f64 = 26.0;

/// More points than pixels would not be seen.
const POINTS_AT_MOST: usize = 1800;

/// A picture: the segments as a band of colours, and a curve for every label.
pub fn timeline_svg(picture: &TimelinePicture) -> String {
    let height = TOP + ROW * picture.labels.len() as f64 + 40.0;
    let span = WIDTH - LEFT - RIGHT;
    let x = |time: f64| LEFT + span * (time / picture.duration.max(1e-9)).clamp(0.0, 1.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n<title>{}</title>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"18\" font-size=\"14\" fill=\"#222\">{}</text>\n",
        escaped(&picture.name),
        escaped(&picture.name)
    );
    for segment in picture.segments.iter().filter(|segment| segment.speech) {
        let colour = segment.label.as_ref().and_then(|label| {
            let found = picture.labels.iter().find(|(name, _)| name == label);
            found.map(|(_, colour)| colour.as_str())
        });
        let what = segment.label.as_deref().unwrap_or("unsure");
        svg += &format!(
            "<rect x=\"{:.1}\" y=\"28\" width=\"{:.1}\" height=\"{BAND}\" fill=\"{}\">\
             <title>{} {:.2} to {:.2} s</title></rect>\n",
            x(segment.start),
            (x(segment.end) - x(segment.start)).max(0.5),
            colour.unwrap_or("#d8d8d8"),
            escaped(what),
            segment.start,
            segment.end
        );
    }
    let step = picture.curves.len().div_ceil(POINTS_AT_MOST).max(1);
    for (row, (label, colour)) in picture.labels.iter().enumerate() {
        let bottom = TOP + ROW * (row + 1) as f64 - 6.0;
        let y = |p: f32| bottom - (ROW - 10.0) * f64::from(p.clamp(0.0, 1.0));
        let mut path = format!("M{:.1} {bottom:.1}", x(0.0));
        let mut last = 0.0;
        for points in picture.curves.chunks(step) {
            // The highest of those that share a pixel.
            let at = |(_, p): &(f64, Vec<f32>)| p.get(row).copied().unwrap_or(0.0);
            let most = points.iter().map(at).fold(0.0, f32::max);
            last = points[points.len() - 1].0;
            path += &format!("L{:.1} {:.1}", x(last), y(most));
        }
        path += &format!("L{:.1} {bottom:.1}Z", x(last));
        svg += &format!(
            "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#222\">{}</text>\n\
             <path d=\"{path}\" fill=\"{colour}\" fill-opacity=\"0.45\" stroke=\"{colour}\"/>\n\
             <path d=\"M{LEFT} {bottom:.1}H{:.0}\" stroke=\"#ccc\"/>\n",
            LEFT - 8.0,
            bottom - 4.0,
            escaped(label),
            WIDTH - RIGHT
        );
    }
    let ticks = tick_step(picture.duration);
    let mut time = 0.0;
    while time <= picture.duration {
        svg += &format!(
            "<path d=\"M{0:.1} {1:.1}v5\" stroke=\"#888\"/><text x=\"{0:.1}\" y=\"{2:.1}\" \
             text-anchor=\"middle\" fill=\"#555\">{3}</text>\n",
            x(time),
            height - 40.0,
            height - 20.0,
            clock(time)
        );
        time += ticks;
    }
    svg + "</svg>\n"
}

/// A page with the picture, the sound and a cursor that plays along. Nothing in it comes
/// from elsewhere.
pub fn timeline_html(picture: &TimelinePicture, sound: &PageSound) -> String {
    let source = match sound {
        PageSound::Inside(bytes, kind) => {
            format!("data:{kind};base64,{}", BASE64_STANDARD.encode(bytes))
        }
        PageSound::Beside(address) => escaped(address),
    };
    let rows: String = picture
        .segments
        .iter()
        .filter(|segment| segment.speech)
        .map(|segment| {
            let best = segment.probabilities.iter().copied().fold(0.0, f32::max);
            format!(
                "<tr tabindex=\"0\" data-at=\"{:.3}\"><td>{}</td><td>{}</td><td>{}</td><td>{:.0} \
                 %</td><td>{}</td></tr>\n",
                segment.start,
                clock(segment.start),
                clock(segment.end),
                escaped(segment.label.as_deref().unwrap_or("unsure")),
                100.0 * best,
                escaped(segment.speaker.as_deref().unwrap_or(""))
            )
        })
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{name}</title>\n<style>{STYLE}</style>\n\
         <h1>{name}</h1>\n<p>What an emotion recogniser heard. It is no lie detector, and no basis \
         for decisions about people.</p>\n<audio controls preload=\"auto\" src=\"{source}\"></audio>\n\
         <figure id=\"figure\" data-duration=\"{duration}\" data-left=\"{left}\" data-right=\"{right}\">\n\
         {svg}<div id=\"cursor\"></div></figure>\n<table>\n<thead><tr><th>from<th>to<th>emotion<th>at \
         most<th>speaker</tr></thead>\n<tbody>\n{rows}</tbody></table>\n<script>{SCRIPT}</script>\n</html>\n",
        name = escaped(&picture.name),
        duration = picture.duration,
        left = LEFT / WIDTH,
        right = RIGHT / WIDTH,
        svg = timeline_svg(picture),
    )
}

const STYLE: &str = "body{font-family:sans-serif;max-width:70rem;margin:1rem auto;padding:0 1rem;\
color:#222;background:#fff}audio{width:100%}figure{position:relative;margin:1rem 0;cursor:pointer}\
svg{width:100%;height:auto;display:block}#cursor{position:absolute;top:0;bottom:0;width:2px;\
background:#c00;pointer-events:none}table{border-collapse:collapse}td,th{padding:.2rem .8rem;\
text-align:left}tr[data-at]{cursor:pointer}tr.now{background:#fff2b0}";

const SCRIPT: &str = "const sound=document.querySelector('audio'),figure=document.getElementById('figure'),\
cursor=document.getElementById('cursor'),rows=[...document.querySelectorAll('tr[data-at]')];\
const {duration,left,right}=Object.fromEntries(Object.entries(figure.dataset).map(([k,v])=>[k,+v]));\
function draw(){const t=sound.currentTime,w=figure.clientWidth,span=1-left-right;\
cursor.style.left=w*(left+span*Math.min(1,t/duration))+'px';\
let now=null;for(const row of rows){if(+row.dataset.at<=t+.001)now=row}\
for(const row of rows)row.classList.toggle('now',row===now);\
if(!sound.paused)requestAnimationFrame(draw)}\
function seek(t){sound.currentTime=Math.max(0,Math.min(duration,t));draw()}\
figure.addEventListener('click',e=>{const box=figure.getBoundingClientRect();\
seek(duration*((e.clientX-box.left)/box.width-left)/(1-left-right))});\
for(const row of rows){row.addEventListener('click',()=>{seek(+row.dataset.at);sound.play()});\
row.addEventListener('keydown',e=>{if(e.key==='Enter'){seek(+row.dataset.at);sound.play()}})}\
for(const name of ['play','pause','seeked','timeupdate'])sound.addEventListener(name,draw);draw();";

/// Seconds between the numbers of the axis: about ten of them.
fn tick_step(duration: f64) -> f64 {
    let steps = [
        0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
    ];
    let fits = |step: &&f64| duration / **step <= 12.0;
    steps.iter().find(fits).copied().unwrap_or(3600.0)
}

/// Minutes and seconds, with hours where there are some.
fn clock(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round() as u64;
    let (hours, minutes) = (tenths / 36_000, tenths / 600 % 60);
    let rest = match tenths % 10 {
        0 => format!("{:02}", tenths / 10 % 60),
        tenth => format!("{:02}.{tenth}", tenths / 10 % 60),
    };
    match hours {
        0 => format!("{minutes}:{rest}"),
        hours => format!("{hours}:{minutes:02}:{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> TimelinePicture {
        let segment = |start, end, label: Option<&str>| Segment {
            start,
            end,
            label: label.map(str::to_owned),
            speech: true,
            verdict: "label",
            probabilities: vec![0.25, 0.75],
            unfamiliarity: None,
            speaker: None,
        };
        TimelinePicture {
            name: "a <b>.wav".into(),
            duration: 3.0,
            labels: vec![
                ("calm".into(), "#00ff00".into()),
                ("sad".into(), "#0000ff".into()),
            ],
            curves: vec![(1.0, vec![0.2, 0.8]), (3.0, vec![0.9, 0.1])],
            segments: vec![segment(0.0, 1.5, Some("sad")), segment(1.5, 3.0, None)],
        }
    }

    #[test]
    fn the_picture_is_xml_with_a_band_and_a_curve_for_every_label() {
        let svg = timeline_svg(&picture());
        let document = roxmltree::Document::parse(&svg).unwrap();
        let count = |name: &str| {
            document
                .descendants()
                .filter(|n| n.has_tag_name(name))
                .count()
        };
        // The ground and two segments; of each label a curve and a line, and 7 ticks.
        assert_eq!((count("rect"), count("path")), (3, 4 + 7));
        assert!(svg.contains("a &lt;b&gt;.wav"));
    }

    #[test]
    fn the_page_holds_the_sound_and_asks_for_nothing_else() {
        let html = timeline_html(
            &picture(),
            &PageSound::Inside(vec![1, 2, 3], "audio/wav".into()),
        );
        assert!(html.contains("data:audio/wav;base64,AQID"));
        let with_addresses = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!with_addresses.contains("http"));
    }
}
