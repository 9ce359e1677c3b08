/*{
  "DESCRIPTION": "The body moves the air; light like silk comes off it and flows.",
  "CREDIT": "DanceNet live",
  "ISFVSN": "2",
  "CATEGORIES": ["Fluid", "Feedback"],
  "DANCENET": {"PLACE": 60},
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "dancers", "TYPE": "image", "LABEL": "Bodies that move the air"},
    {"NAME": "push", "TYPE": "float", "LABEL": "How hard bodies push the air", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.5},
    {"NAME": "curl", "TYPE": "float", "LABEL": "How much the air curls", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.5},
    {"NAME": "rise", "TYPE": "float", "LABEL": "How the silk rises or sinks", "MIN": -1.0, "MAX": 1.0, "DEFAULT": 0.2},
    {"NAME": "seconds", "TYPE": "float", "LABEL": "How long the silk lasts, seconds", "MIN": 0.3, "MAX": 8.0, "DEFAULT": 3.5},
    {"NAME": "warm", "TYPE": "float", "LABEL": "From cold silk to warm", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.0},
    {"NAME": "body", "TYPE": "float", "LABEL": "How much of the body itself is seen", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.0}
  ],
  "PASSES": [
    {"TARGET": "outline", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor(96.0*$WIDTH/$HEIGHT)", "HEIGHT": "96"},
    {"TARGET": "air", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor(96.0*$WIDTH/$HEIGHT)", "HEIGHT": "96"},
    {"TARGET": "press_a", "FLOAT": true, "WIDTH": "floor(96.0*$WIDTH/$HEIGHT)", "HEIGHT": "96"},
    {"TARGET": "press_b", "FLOAT": true, "WIDTH": "floor(96.0*$WIDTH/$HEIGHT)", "HEIGHT": "96"},
    {"TARGET": "pressure", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor(96.0*$WIDTH/$HEIGHT)", "HEIGHT": "96"},
    {"TARGET": "thread", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor($WIDTH/$HEIGHT*(24200.0+0.0354*$HEIGHT*$HEIGHT)^0.5)", "HEIGHT": "floor((24200.0+0.0354*$HEIGHT*$HEIGHT)^0.5)"},
    {"TARGET": "cloth", "WIDTH": "floor($WIDTH/$HEIGHT*(24200.0+0.0354*$HEIGHT*$HEIGHT)^0.5)", "HEIGHT": "floor((24200.0+0.0354*$HEIGHT*$HEIGHT)^0.5)"},
    {}
  ]
}*/

// A small fluid: `air` holds its speed (texels of 96 lines a second), which the bodies' moving edges push, and which
// `pressure` keeps from piling up (three sweeps a frame, each frame beginning with the pressure of the last).
// `thread` is what the air carries: how much silk there is, and how fresh it is. `cloth` is that, lit.

const float LINES = 96.0;

float luma(vec3 colour) {
    return dot(colour, vec3(0.299, 0.587, 0.114));
}

// From night over violet to tide and bone; warm, over rose and ember.
vec3 ramp(float life) {
    vec3 deep = mix(vec3(0.03, 0.04, 0.14), vec3(0.36, 0.27, 0.78), smoothstep(0.0, 0.40, life));
    vec3 cold = mix(deep, vec3(0.12, 0.71, 0.79), smoothstep(0.36, 0.70, life));
    vec3 hot = mix(deep, vec3(0.84, 0.27, 0.44), smoothstep(0.20, 0.48, life));
    hot = mix(hot, vec3(1.00, 0.42, 0.21), smoothstep(0.45, 0.78, life));
    return mix(mix(cold, hot, warm), vec3(0.95, 0.92, 0.85), smoothstep(0.72, 1.0, life));
}

float swirl_at(vec2 p, vec2 d) {
    return 0.5 * (IMG_NORM_PIXEL(air, p + vec2(d.x, 0.0)).y - IMG_NORM_PIXEL(air, p - vec2(d.x, 0.0)).y
                - IMG_NORM_PIXEL(air, p + vec2(0.0, d.y)).x + IMG_NORM_PIXEL(air, p - vec2(0.0, d.y)).x);
}

// One sweep of the pressure from what it was around.
float sweep(vec4 around, vec2 p, vec2 d) {
    float out_flow = IMG_NORM_PIXEL(air, p + vec2(d.x, 0.0)).x - IMG_NORM_PIXEL(air, p - vec2(d.x, 0.0)).x
                   + IMG_NORM_PIXEL(air, p + vec2(0.0, d.y)).y - IMG_NORM_PIXEL(air, p - vec2(0.0, d.y)).y;
    return 0.25 * (around.x + around.y + around.z + around.w - 0.5 * out_flow);
}

void main() {
    vec2 p = isf_FragNormCoord;
    vec2 d = 1.0 / RENDERSIZE;
    float dt = clamp(TIMEDELTA, 0.001, 0.05);
    if (PASSINDEX == 0) {
        // The bodies as the air feels them, now and a frame ago.
        float sum = 0.0;
        for (int i = 0; i < 9; i++) {
            vec2 at = vec2(mod(float(i), 3.0), floor(float(i) / 3.0)) - 1.0;
            sum += luma(IMG_NORM_PIXEL(dancers, p + 1.5 * at * d).rgb);
        }
        gl_FragColor = vec4(sum / 9.0, IMG_THIS_PIXEL(outline).r, 0.0, 1.0);
        return;
    }
    if (PASSINDEX == 1) {
        vec4 here = IMG_NORM_PIXEL(air, p);
        vec2 from = p - here.xy * dt * d;
        vec2 speed = IMG_NORM_PIXEL(air, from).xy;
        speed -= 0.5 * vec2(IMG_NORM_PIXEL(pressure, from + vec2(d.x, 0.0)).r - IMG_NORM_PIXEL(pressure, from - vec2(d.x, 0.0)).r,
                            IMG_NORM_PIXEL(pressure, from + vec2(0.0, d.y)).r - IMG_NORM_PIXEL(pressure, from - vec2(0.0, d.y)).r);
        vec2 body_here = IMG_NORM_PIXEL(outline, p).rg;
        vec2 slope = 0.5 * vec2(IMG_NORM_PIXEL(outline, p + vec2(d.x, 0.0)).r - IMG_NORM_PIXEL(outline, p - vec2(d.x, 0.0)).r,
                                IMG_NORM_PIXEL(outline, p + vec2(0.0, d.y)).r - IMG_NORM_PIXEL(outline, p - vec2(0.0, d.y)).r);
        // An edge that moves tells its speed across itself: change in time over slope.
        vec2 moved = -(body_here.r - body_here.g) / dt * slope / (dot(slope, slope) + 0.006);
        speed += 3.4 * push * clamp(moved, -90.0, 90.0) * min(1.0, 9.0 * dt) * smoothstep(0.02, 0.1, length(slope));
        // What the coarse grid swallows of its curls is given back.
        float around = swirl_at(p, d);
        vec2 to = vec2(abs(swirl_at(p + vec2(0.0, d.y), d)) - abs(swirl_at(p - vec2(0.0, d.y), d)),
                       abs(swirl_at(p - vec2(d.x, 0.0), d)) - abs(swirl_at(p + vec2(d.x, 0.0), d)));
        speed += 5.0 * curl * dt * around * to / (length(to) + 0.05);
        speed.y += rise * 24.0 * dt * IMG_NORM_PIXEL(thread, p).r;
        speed *= exp(-dt * 0.3);
        // The air is still at the picture's edges, and never faster than a picture's height a second.
        vec2 edge = smoothstep(vec2(0.0), 3.0 * d, p) * smoothstep(vec2(0.0), 3.0 * d, 1.0 - p);
        gl_FragColor = vec4(clamp(speed * edge.x * edge.y, -LINES, LINES), 0.0, 1.0);
        return;
    }
    vec2 right = p + vec2(d.x, 0.0);
    vec2 left = p - vec2(d.x, 0.0);
    vec2 above = p + vec2(0.0, d.y);
    vec2 below = p - vec2(0.0, d.y);
    if (PASSINDEX == 2) {
        gl_FragColor = vec4(sweep(vec4(IMG_NORM_PIXEL(pressure, right).r, IMG_NORM_PIXEL(pressure, left).r,
                                       IMG_NORM_PIXEL(pressure, above).r, IMG_NORM_PIXEL(pressure, below).r), p, d));
        return;
    }
    if (PASSINDEX == 3) {
        gl_FragColor = vec4(sweep(vec4(IMG_NORM_PIXEL(press_a, right).r, IMG_NORM_PIXEL(press_a, left).r,
                                       IMG_NORM_PIXEL(press_a, above).r, IMG_NORM_PIXEL(press_a, below).r), p, d));
        return;
    }
    if (PASSINDEX == 4) {
        gl_FragColor = vec4(sweep(vec4(IMG_NORM_PIXEL(press_b, right).r, IMG_NORM_PIXEL(press_b, left).r,
                                       IMG_NORM_PIXEL(press_b, above).r, IMG_NORM_PIXEL(press_b, below).r), p, d));
        return;
    }
    if (PASSINDEX == 5) {
        vec2 grid = vec2(LINES * RENDERSIZE.x / RENDERSIZE.y, LINES);
        vec2 from = p - IMG_NORM_PIXEL(air, p).xy * dt / grid;
        vec4 centre = IMG_NORM_PIXEL(thread, from);
        vec4 near = 0.25 * (IMG_NORM_PIXEL(thread, from + vec2(d.x, 0.0)) + IMG_NORM_PIXEL(thread, from - vec2(d.x, 0.0))
                          + IMG_NORM_PIXEL(thread, from + vec2(0.0, d.y)) + IMG_NORM_PIXEL(thread, from - vec2(0.0, d.y)));
        // Being carried blurs; a little sharpening keeps the folds. Where the air is still, as at the picture's edges, it
        // would make stripes out of nothing.
        float sharpening = 0.05 * min(1.0, 4.0 * length((from - p) / d));
        vec4 carried = clamp(centre + sharpening * (centre - near), 0.0, 1.0);
        float silk = carried.r * exp(-dt / (0.8 * seconds));
        float life = carried.g - dt / seconds;
        float body_here = luma(IMG_NORM_PIXEL(dancers, p).rgb);
        gl_FragColor = vec4(max(silk, body_here), max(max(life, body_here), 0.0), 0.0, 1.0);
        return;
    }
    if (PASSINDEX == 6) {
        vec4 centre = IMG_NORM_PIXEL(thread, p);
        vec2 slope = vec2(IMG_NORM_PIXEL(thread, right).r - IMG_NORM_PIXEL(thread, left).r,
                          IMG_NORM_PIXEL(thread, above).r - IMG_NORM_PIXEL(thread, below).r);
        // Lit from above and from one side, with a sheen where the cloth turns to the light.
        vec3 normal = normalize(vec3(-slope * 9.0, 1.0));
        float lit = 0.45 + 0.55 * max(dot(normal, vec3(-0.48, 0.62, 0.62)), 0.0) * 1.5;
        float sheen = pow(max(dot(normal, vec3(-0.32, 0.42, 0.85)), 0.0), 24.0) * smoothstep(0.02, 0.2, length(slope));
        float amount = smoothstep(0.0, 0.9, centre.r);
        vec3 colour = ramp(centre.g) * lit * amount + vec3(0.95, 0.92, 0.85) * sheen * amount * 0.25;
        gl_FragColor = vec4(colour, amount);
        return;
    }
    vec4 picture = IMG_THIS_PIXEL(inputImage);
    vec4 bodies = IMG_THIS_PIXEL(dancers);
    float body_here = min(bodies.a, 2.0 * luma(bodies.rgb));
    vec4 silk = IMG_NORM_PIXEL(cloth, p) * (1.0 - body_here);
    float grain = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) - 0.5;
    vec3 under = picture.rgb * (1.0 - body_here * (1.0 - body));
    gl_FragColor = vec4(under + silk.rgb * (1.0 - under) + grain / 255.0 * silk.a, max(picture.a, silk.a));
}
